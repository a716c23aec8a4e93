use linera_sdk::{
    linera_base_types::{ApplicationId, CryptoHash, Timestamp},
    util::BlockingWait,
};

use super::*;

fn chain(name: &str) -> ChainId {
    ChainId(CryptoHash::test_hash(name))
}

fn owner(name: &str) -> AccountOwner {
    AccountOwner::from(CryptoHash::test_hash(name))
}

fn application() -> ApplicationId {
    ApplicationId::new(CryptoHash::test_hash("game"))
}

fn players() -> [AccountOwner; 2] {
    ["ana", "bob"].map(owner)
}

fn thinking_time() -> TimeDelta {
    TimeDelta::from_micros(100)
}

fn contract() -> FourInARowContract {
    let runtime = ContractRuntime::new()
        .with_application_id(application().with_abi())
        .with_authenticated_signer(owner("ana"))
        .with_can_close_chain(true)
        .with_system_time(Timestamp::from(1_000));
    FourInARowContract::load(runtime).blocking_wait()
}

/// A game that has begun at 1,000.
fn game() -> FourInARowContract {
    let mut contract = contract();
    contract.runtime.set_message_origin_chain_id(chain("lobby"));
    let start = Message::Start {
        players: players(),
        thinking_time: thinking_time(),
    };
    contract.execute_message(start).blocking_wait();
    contract
}

fn act(contract: &mut FourInARowContract, name: &str, operation: Operation) -> Option<ChainId> {
    contract.runtime.set_authenticated_signer(owner(name));
    contract.execute_operation(operation).blocking_wait()
}

fn drop_in(contract: &mut FourInARowContract, name: &str, column: u8) {
    act(contract, name, Operation::Drop { column });
}

fn outcome(contract: &FourInARowContract) -> Outcome {
    let game = contract.state.game.get().as_ref();
    game.expect("a game has begun").outcome
}

fn at(contract: &mut FourInARowContract, time: u64) {
    contract.runtime.set_system_time(Timestamp::from(time));
}

#[test]
fn a_start_opens_a_chain_for_both() {
    let mut contract = contract();
    let ownership = ChainOwnership::multiple(
        players().map(|player| (player, 1)),
        MULTI_LEADER_ROUNDS,
        TimeoutConfig::default(),
    );
    let permissions = ApplicationPermissions {
        execute_operations: Some(vec![application()]),
        close_chain: vec![application()],
        ..ApplicationPermissions::default()
    };
    contract.runtime.add_expected_open_chain_call(
        ownership,
        permissions,
        Amount::ONE,
        chain("game's"),
    );
    let start = Operation::Start {
        first: owner("ana"),
        second: owner("bob"),
        thinking_time: thinking_time(),
        for_fees: Amount::ONE,
    };
    assert_eq!(act(&mut contract, "ana", start), Some(chain("game's")));
    let sent = contract.runtime.created_send_message_requests().remove(0);
    assert_eq!(sent.destination, chain("game's"));
    let listed = contract.state.games.get(&chain("game's")).blocking_wait();
    assert_eq!(listed.expect("games can be read"), Some(Outcome::Open));
}

#[test]
fn four_in_a_row_end_the_game_and_the_lobby_hears_of_it() {
    let mut contract = game();
    for _ in 0..3 {
        drop_in(&mut contract, "ana", 2);
        drop_in(&mut contract, "bob", 3);
    }
    drop_in(&mut contract, "ana", 2);
    assert_eq!(outcome(&contract), Outcome::First);
    let sent = contract.runtime.created_send_message_requests().remove(0);
    assert_eq!(sent.destination, chain("lobby"));
    assert!(matches!(sent.message, Message::Over(Outcome::First)));
}

#[test]
fn the_lobby_notes_the_end() {
    let mut contract = contract();
    contract
        .runtime
        .set_message_origin_chain_id(chain("game's"));
    let over = Message::Over(Outcome::Second);
    contract.execute_message(over).blocking_wait();
    let listed = contract.state.games.get(&chain("game's")).blocking_wait();
    assert_eq!(listed.expect("games can be read"), Some(Outcome::Second));
}

#[test]
#[should_panic(expected = "the other one's turn")]
fn players_take_turns() {
    let mut contract = game();
    drop_in(&mut contract, "ana", 0);
    drop_in(&mut contract, "ana", 0);
}

#[test]
#[should_panic(expected = "only players")]
fn others_watch() {
    drop_in(&mut game(), "eve", 0);
}

#[test]
#[should_panic(expected = "no column 7")]
fn the_board_has_an_edge() {
    drop_in(&mut game(), "ana", 7);
}

#[test]
fn who_thinks_too_long_has_lost() {
    let mut contract = game();
    at(&mut contract, 1_050);
    drop_in(&mut contract, "ana", 0);
    at(&mut contract, 1_150);
    act(&mut contract, "ana", Operation::TimeIsUp);
    assert_eq!(outcome(&contract), Outcome::First);
}

#[test]
#[should_panic(expected = "time left")]
fn a_stone_starts_the_other_clock() {
    let mut contract = game();
    at(&mut contract, 1_050);
    drop_in(&mut contract, "ana", 0);
    at(&mut contract, 1_149);
    act(&mut contract, "ana", Operation::TimeIsUp);
}

#[test]
#[should_panic(expected = "their own thinking")]
fn nobody_wins_by_thinking() {
    let mut contract = game();
    at(&mut contract, 9_000);
    act(&mut contract, "ana", Operation::TimeIsUp);
}

#[test]
fn who_resigns_has_lost() {
    let mut contract = game();
    act(&mut contract, "ana", Operation::Resign);
    assert_eq!(outcome(&contract), Outcome::Second);
}

#[test]
#[should_panic(expected = "the game is over")]
fn a_game_has_one_end() {
    let mut contract = game();
    act(&mut contract, "ana", Operation::Resign);
    act(&mut contract, "bob", Operation::Resign);
}
