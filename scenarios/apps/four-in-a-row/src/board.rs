//! The rules of the game, without players, chains and clocks.

use serde::{Deserialize, Serialize};

/// Columns of the board.
pub const COLUMNS: usize = 7;
/// Stones that fit into a column.
pub const ROWS: usize = 6;
const IN_A_ROW: usize = 4;

/// One of the two.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Player {
    /// Who begins.
    #[default]
    First,
    /// The other one.
    Second,
}

impl Player {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Player::First => Player::Second,
            Player::Second => Player::First,
        }
    }

    /// Its place in a list of both.
    pub fn index(self) -> usize {
        match self {
            Player::First => 0,
            Player::Second => 1,
        }
    }
}

/// Stones, by column, from the bottom up.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Board {
    columns: [Vec<Player>; COLUMNS],
}

impl Board {
    /// Drops a stone; says whether it makes four in a row.
    ///
    /// # Errors
    /// Why it cannot be dropped there.
    pub fn drop(&mut self, player: Player, column: u8) -> Result<bool, String> {
        let column = usize::from(column);
        let Some(stones) = self.columns.get_mut(column) else {
            return Err(format!("there is no column {column}"));
        };
        if stones.len() == ROWS {
            return Err(format!("column {column} is full"));
        }
        stones.push(player);
        let row = stones.len() - 1;
        let directions = [(1, 0), (0, 1), (1, 1), (1, -1)];
        let wins = directions.into_iter().any(|(x, y)| {
            1 + self.run(column, row, x, y) + self.run(column, row, -x, -y) >= IN_A_ROW
        });
        Ok(wins)
    }

    /// Whether no stone fits any more.
    pub fn is_full(&self) -> bool {
        self.columns.iter().all(|stones| stones.len() == ROWS)
    }

    /// Whose stone lies there, if any.
    pub fn stone(&self, column: usize, row: usize) -> Option<Player> {
        self.columns.get(column)?.get(row).copied()
    }

    /// The board as lines of text, the highest first: `x` for the first player, `o` for the second.
    pub fn lines(&self) -> Vec<String> {
        let letter = |column, row| match self.stone(column, row) {
            None => '.',
            Some(Player::First) => 'x',
            Some(Player::Second) => 'o',
        };
        let line = |row| (0..COLUMNS).map(|column| letter(column, row)).collect();
        (0..ROWS).rev().map(line).collect()
    }

    /// How many stones of the same player lie beside one, in one direction.
    fn run(&self, column: usize, row: usize, x: isize, y: isize) -> usize {
        let player = self.stone(column, row);
        let at = |steps: isize| {
            let column = column.checked_add_signed(x * steps)?;
            let row = row.checked_add_signed(y * steps)?;
            self.stone(column, row)
        };
        (1..).take_while(|steps| at(*steps) == player).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays columns in turns, and gives who has won, and with which stone.
    fn play(columns: &[u8]) -> Option<(Player, usize)> {
        let mut board = Board::default();
        let mut player = Player::First;
        for (number, column) in columns.iter().enumerate() {
            if board.drop(player, *column).expect("it fits") {
                return Some((player, number));
            }
            player = player.other();
        }
        None
    }

    #[test]
    fn four_in_a_row_win_in_every_direction() {
        assert_eq!(play(&[0, 1, 0, 1, 0, 1, 0]), Some((Player::First, 6)), "up");
        assert_eq!(
            play(&[0, 0, 1, 1, 3, 3, 2]),
            Some((Player::First, 6)),
            "across"
        );
        let rising = [0, 1, 1, 2, 2, 3, 2, 3, 3, 6, 3];
        assert_eq!(play(&rising), Some((Player::First, 10)), "rising");
        let falling = [6, 5, 5, 4, 4, 3, 4, 3, 3, 0, 3];
        assert_eq!(play(&falling), Some((Player::First, 10)), "falling");
        assert_eq!(play(&[6, 0, 6, 0, 5, 0, 5, 0]), Some((Player::Second, 7)));
    }

    #[test]
    fn three_in_a_row_do_not() {
        assert_eq!(play(&[0, 1, 0, 1, 0, 1]), None);
        assert_eq!(play(&[0, 0, 1, 1, 2]), None);
    }

    #[test]
    fn stones_lie_on_stones_until_a_column_is_full() {
        let mut board = Board::default();
        for row in 0..ROWS {
            let player = [Player::First, Player::Second][row % 2];
            board.drop(player, 3).expect("it fits");
            assert_eq!(board.stone(3, row), Some(player));
        }
        let refused = board.drop(Player::First, 3);
        assert_eq!(refused, Err("column 3 is full".to_owned()));
        let refused = board.drop(Player::First, 7);
        assert_eq!(refused, Err("there is no column 7".to_owned()));
        assert_eq!(board.lines()[0], "...o...");
        assert_eq!(board.lines()[5], "...x...");
    }

    #[test]
    fn a_game_may_have_no_winner() {
        // Columns in pairs of one pattern and of its opposite: never four.
        let mut board = Board::default();
        for column in 0..7_u8 {
            for row in 0..6_u8 {
                let player = [Player::First, Player::Second][usize::from((row + column / 2) % 2)];
                assert_eq!(
                    board.drop(player, column),
                    Ok(false),
                    "{:#?}",
                    board.lines()
                );
            }
        }
        assert!(board.is_full());
    }
}
