//! The contract: brings tokens to the pool, and there trades them.

#![cfg_attr(target_arch = "wasm32", no_main)]

use amm::{
    AmmAbi, Message, Operation, Parameters, Side,
    arithmetic::{output, share_of},
    state::AmmState,
};
use fungible::Account;
use linera_sdk::{
    Contract, ContractRuntime,
    linera_base_types::{AccountOwner, Amount, ChainId, WithContractAbi},
    views::{RootView, View},
};

/// A pool, while a transaction runs.
pub struct AmmContract {
    state: AmmState,
    runtime: ContractRuntime<Self>,
}

linera_sdk::contract!(AmmContract);

impl WithContractAbi for AmmContract {
    type Abi = AmmAbi;
}

impl Contract for AmmContract {
    type Message = Message;
    type Parameters = Parameters;
    type InstantiationArgument = ();
    type EventValue = ();

    async fn load(runtime: ContractRuntime<Self>) -> Self {
        let state = AmmState::load(runtime.root_view_storage_context())
            .await
            .expect("the state of a pool can be read");
        AmmContract { state, runtime }
    }

    async fn instantiate(&mut self, (): ()) {
        let [first, second] = self.runtime.application_parameters().tokens;
        assert_ne!(first, second, "two tokens are traded");
    }

    async fn execute_operation(&mut self, operation: Operation) {
        let message = self.bring(operation);
        let pool = self.runtime.application_creator_chain_id();
        let here = self.runtime.chain_id();
        if pool == here {
            self.serve(message, here).await;
        } else {
            self.runtime
                .prepare_message(message)
                .with_authentication()
                .send_to(pool);
        }
    }

    async fn execute_message(&mut self, message: Message) {
        let origin = self.runtime.message_origin_chain_id();
        let origin = origin.expect("a message comes from a chain");
        self.serve(message, origin).await;
    }

    async fn store(mut self) {
        self.state
            .save()
            .await
            .expect("the state of a pool can be written");
    }
}

// On every chain.
impl AmmContract {
    /// Sends what an operation brings to the pool's account, and says what is asked of the pool.
    fn bring(&mut self, operation: Operation) -> Message {
        match operation {
            Operation::Trade {
                owner,
                input,
                amount,
                at_least,
            } => {
                self.send(owner, input, amount);
                Message::Trade {
                    owner,
                    input,
                    amount,
                    at_least,
                }
            }
            Operation::Fill {
                owner,
                first,
                second,
            } => {
                self.send(owner, Side::First, first);
                self.send(owner, Side::Second, second);
                Message::Fill {
                    owner,
                    amounts: [first, second],
                }
            }
            Operation::Drain { owner, shares } => {
                let signed = self.runtime.check_account_permission(owner);
                signed.expect("everybody gives up their own shares");
                Message::Drain { owner, shares }
            }
        }
    }

    fn send(&mut self, owner: AccountOwner, side: Side, amount: Amount) {
        assert!(amount > Amount::ZERO, "something is brought");
        let signed = self.runtime.check_account_permission(owner);
        signed.expect("everybody brings their own tokens");
        let pool = Account {
            chain_id: self.runtime.application_creator_chain_id(),
            owner: self.runtime.application_id().forget_abi().into(),
        };
        self.transfer(owner, side, amount, pool);
    }

    fn transfer(&mut self, owner: AccountOwner, side: Side, amount: Amount, to: Account) {
        if amount > Amount::ZERO {
            let token = self.runtime.application_parameters().tokens[side.index()];
            fungible::transfer(&mut self.runtime, token.with_abi(), owner, amount, to);
        }
    }
}

// On the pool's chain.
impl AmmContract {
    async fn serve(&mut self, message: Message, chain_id: ChainId) {
        match message {
            Message::Trade {
                owner,
                input,
                amount,
                at_least,
            } => self.trade(Account { chain_id, owner }, input, amount, at_least),
            Message::Fill { owner, amounts } => {
                self.fill(Account { chain_id, owner }, amounts).await;
            }
            Message::Drain { owner, shares } => {
                self.drain(Account { chain_id, owner }, shares).await;
            }
        }
    }

    fn trade(&mut self, trader: Account, input: Side, amount: Amount, at_least: Amount) {
        let mut reserves = *self.state.reserves.get();
        let (from, to) = (input.index(), input.other().index());
        let given = output(amount, reserves[from], reserves[to]);
        assert!(
            given >= at_least && given > Amount::ZERO,
            "{amount} give {given}, not {at_least}"
        );
        reserves[from] = plus(reserves[from], amount);
        reserves[to] = minus(reserves[to], given);
        self.state.reserves.set(reserves);
        let trades = self.state.trades.get().saturating_add(1);
        self.state.trades.set(trades);
        self.pay(input.other(), given, trader);
    }

    async fn fill(&mut self, owner: Account, brought: [Amount; 2]) {
        let reserves = *self.state.reserves.get();
        let total = *self.state.total_shares.get();
        let (taken, shares) = if total == Amount::ZERO {
            // The first one makes the price; a share is an atto of the first token then.
            (brought, brought[0])
        } else {
            let by_side = |index: usize| share_of(brought[index], total, reserves[index]);
            let shares = by_side(0).min(by_side(1));
            (
                [0, 1].map(|index| needed(shares, reserves[index], total).min(brought[index])),
                shares,
            )
        };
        assert!(shares > Amount::ZERO, "too little for a share");
        self.state
            .reserves
            .set([0, 1].map(|index| plus(reserves[index], taken[index])));
        self.state.issue(owner, shares).await;
        for (side, index) in [(Side::First, 0), (Side::Second, 1)] {
            self.pay(side, minus(brought[index], taken[index]), owner);
        }
    }

    async fn drain(&mut self, owner: Account, shares: Amount) {
        let reserves = *self.state.reserves.get();
        let total = *self.state.total_shares.get();
        self.state.redeem(owner, shares).await;
        let given = reserves.map(|reserve| share_of(shares, reserve, total));
        self.state
            .reserves
            .set([0, 1].map(|index| minus(reserves[index], given[index])));
        self.pay(Side::First, given[0], owner);
        self.pay(Side::Second, given[1], owner);
    }

    /// Pays from the pool's own account.
    fn pay(&mut self, side: Side, amount: Amount, to: Account) {
        let pool = self.runtime.application_id().forget_abi().into();
        self.transfer(pool, side, amount, to);
    }
}

/// What so many shares are worth, rounded up: who fills pays for the rest.
fn needed(shares: Amount, reserve: Amount, total: Amount) -> Amount {
    plus(share_of(shares, reserve, total), Amount::from_attos(1))
}

fn plus(a: Amount, b: Amount) -> Amount {
    a.try_add(b).expect("a sum of tokens is an amount")
}

fn minus(a: Amount, b: Amount) -> Amount {
    a.try_sub(b).expect("a part is not more than the whole")
}

#[cfg(test)]
#[path = "contract/tests.rs"]
mod tests;
