//! Chains by number: names are looked up once, everything else works on positions.
//!
//! Invariant: every chain that any row names has exactly one position, in the order of the chains
//! table first, so counts over positions always add up to the rows of the tables.

use std::collections::BTreeMap;

use analysis::tables::Tables;

/// The chains of a run, numbered.
pub(crate) struct Names<'a> {
    pub(crate) names: Vec<&'a str>,
    pub(crate) groups: Vec<&'a str>,
    /// Chain of every row of the blocks table.
    pub(crate) block_chain: Vec<usize>,
    /// Sender and recipient of every row of the messages table.
    pub(crate) ends: Vec<(usize, usize)>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(tables: &'a Tables) -> Self {
        let mut numbered = Numbering::default();
        for row in &tables.chains {
            numbered.position(&row.chain, &row.group);
        }
        let block_chain = tables
            .blocks
            .iter()
            .map(|row| numbered.position(&row.chain, &row.chain))
            .collect();
        let ends = tables
            .messages
            .iter()
            .map(|row| {
                (
                    numbered.position(&row.src, &row.src),
                    numbered.position(&row.dst, &row.dst),
                )
            })
            .collect();
        let Numbering { names, groups, .. } = numbered;
        Self {
            names,
            groups,
            block_chain,
            ends,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

#[derive(Default)]
struct Numbering<'a> {
    names: Vec<&'a str>,
    groups: Vec<&'a str>,
    /// By a hash of the name first: names of a run share long prefixes, so comparing them is slow.
    by_name: BTreeMap<(u64, &'a str), usize>,
}

impl<'a> Numbering<'a> {
    fn position(&mut self, name: &'a str, group: &'a str) -> usize {
        let next = self.names.len();
        let position = *self.by_name.entry((fnv(name), name)).or_insert(next);
        if position == next {
            self.names.push(name);
            self.groups.push(group);
        }
        position
    }
}

/// FNV-1a, 64 bits; equal hashes are told apart by the name itself.
fn fnv(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
