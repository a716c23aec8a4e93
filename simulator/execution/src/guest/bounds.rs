//! What a guest is held to while it runs, and what is kept for it meanwhile.

use std::collections::BTreeMap;

use wasmi::{Error, ResourceLimiter, Val};
use wasmi_core::LimiterError;

use super::Suspended;
use crate::{
    abi::{Malformed, Value},
    limits::Limits,
    machine::word,
};

/// The most parameters of any function: sixteen, and where its result goes.
const PARAMS_MAX: usize = 17;
/// The most tables of a guest.
const TABLES_MAX: usize = 16;

/// What lies in the store of a guest: the call that it has stopped at, and its limits.
pub(crate) struct Host {
    memory_bytes: usize,
    table_elements: usize,
    /// Whether growth was refused and nothing has been said since.
    refused: bool,
    number: usize,
    params: [u64; PARAMS_MAX],
    count: usize,
}

impl Host {
    pub(super) fn new(limits: &Limits) -> Self {
        let length = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            memory_bytes: length(limits.memory_bytes),
            table_elements: length(limits.table_elements),
            refused: false,
            number: 0,
            params: [0; PARAMS_MAX],
            count: 0,
        }
    }

    /// Notes a call of the function with this number; what stops the interpreter.
    pub(crate) fn suspend(&mut self, number: usize, params: &[Val]) -> Error {
        self.number = number;
        self.count = params.len();
        for (slot, value) in self.params.iter_mut().zip(params) {
            *slot = word(value);
        }
        Error::host(Suspended)
    }

    /// Whether growth was refused and the guest has said nothing since.
    pub(super) const fn was_refused(&self) -> bool {
        self.refused
    }

    /// The guest says what is wrong: that is no matter of memory.
    pub(super) const fn hear(&mut self) {
        self.refused = false;
    }

    /// A module's own maximum is its own business; ours is noted.
    fn may_grow(&mut self, desired: usize, limit: usize, own: Option<usize>) -> bool {
        self.refused |= desired > limit;
        desired <= limit && own.is_none_or(|own| desired <= own)
    }

    /// The function that was called.
    pub(super) const fn number(&self) -> usize {
        self.number
    }

    /// Its parameters.
    pub(super) fn params(&self) -> &[u64] {
        &self.params[..self.count]
    }
}

impl ResourceLimiter for Host {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        Ok(self.may_grow(desired, self.memory_bytes, maximum))
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        Ok(self.may_grow(desired, self.table_elements, maximum))
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        1
    }
}

/// Answers that a guest has asked for and not fetched.
pub(super) struct Promises {
    left: u64,
    next: u32,
    answers: BTreeMap<u32, (&'static str, Value)>,
}

impl Promises {
    /// None yet, and no more than `limit` bytes of them at any time.
    pub(super) const fn new(limit: u64) -> Self {
        Self {
            left: limit,
            next: 0,
            answers: BTreeMap::new(),
        }
    }

    /// Keeps the answer to a function; its number.
    pub(super) fn give(
        &mut self,
        function: &'static str,
        answer: Value,
    ) -> Result<Value, Malformed> {
        let left = self.left.checked_sub(answer.weight());
        self.left = left.ok_or_else(|| Malformed("too many answers are not fetched".to_owned()))?;
        let number = self.next;
        self.next += 1;
        self.answers.insert(number, (function, answer));
        Ok(Value::Int(u64::from(number)))
    }

    /// Hands over an answer, once.
    pub(super) fn keep(&mut self, function: &str, number: u32) -> Result<Value, Malformed> {
        let promised = self.answers.get(&number);
        if promised.is_none_or(|(promised, _)| *promised != function) {
            let reason = format!("there is no promise {number} of `{function}`");
            return Err(Malformed(reason));
        }
        let (_, answer) = self.answers.remove(&number).expect("found above");
        self.left += answer.weight();
        Ok(answer)
    }
}
