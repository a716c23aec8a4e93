//! The interface between applications and their host: its functions and entry points as tables.
//!
//! What one version has is in one file, [`v0_15`]; a later version is another table beside it. A
//! function's row says its types and what becomes of a call; nothing else in this crate knows any
//! function by name.

mod answers;
mod convert;
mod v0_15;

use protocol::application::{
    guest::{Entry, Role},
    request::{Answer, Request},
};

use crate::abi::{Malformed, Signature, Type, Value};

pub(crate) use convert::Args;

/// The interface that this host speaks.
pub const VERSION: &str = "0.15";

/// A set of functions that modules import together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Interface {
    Base,
    Contract,
    Service,
}

impl Interface {
    /// As modules name it.
    pub(crate) const fn module(self) -> &'static str {
        match self {
            Self::Base => "linera:app/base-runtime-api",
            Self::Contract => "linera:app/contract-runtime-api",
            Self::Service => "linera:app/service-runtime-api",
        }
    }

    /// Whether code of this role may import it.
    pub(crate) fn is_for(self, role: Role) -> bool {
        match self {
            Self::Base => true,
            Self::Contract => role == Role::Contract,
            Self::Service => role == Role::Service,
        }
    }
}

/// What becomes of a call.
#[derive(Clone, Copy)]
pub(crate) enum Serves {
    /// A question, whose answer is the result.
    Asks(fn(Args) -> Result<Request, Malformed>),
    /// A question, whose answer is kept: the result is the number of the promise.
    Promises(fn(Args) -> Result<Request, Malformed>),
    /// The answer of a promise that was given for a function of this name.
    Keeps(&'static str),
    /// Fuel is used up.
    Burns,
}

/// A function that modules import.
#[derive(Clone, Copy)]
pub(crate) struct Function {
    pub(crate) interface: Interface,
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Type],
    pub(crate) result: Option<Type>,
    pub(crate) serves: Serves,
}

impl Function {
    pub(crate) fn signature(&self) -> Signature {
        Signature::of_import(self.params, self.result)
    }
}

/// A function that modules export.
#[derive(Clone, Copy)]
pub(crate) struct EntryPoint {
    pub(crate) role: Role,
    /// As modules name it.
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Type],
    pub(crate) result: Option<Type>,
}

impl EntryPoint {
    pub(crate) fn signature(&self) -> Signature {
        Signature::of_export(self.params, self.result)
    }

    /// What is called once its result has been read, so that the guest may free it.
    pub(crate) fn post_return(&self) -> String {
        format!("cabi_post_{}", self.name)
    }
}

/// All functions that code of this role may import.
pub(crate) fn functions(role: Role) -> impl Iterator<Item = &'static Function> {
    let functions = v0_15::FUNCTIONS.iter();
    functions.filter(move |function| function.interface.is_for(role))
}

/// All functions that code of this role has to export.
pub(crate) fn entry_points(role: Role) -> impl Iterator<Item = &'static EntryPoint> {
    let entry_points = v0_15::ENTRY_POINTS.iter();
    entry_points.filter(move |entry_point| entry_point.role == role)
}

/// The version of a function that is later than what this host speaks, if it is known.
pub(crate) fn later_version(module: &str, name: &str) -> Option<&'static str> {
    let later = v0_15::LATER.iter();
    let mut found =
        later.filter(|(interface, function, _)| interface.module() == module && *function == name);
    found.next().map(|(_, _, version)| *version)
}

/// The entry point and the arguments of a call.
pub(crate) fn call(entry: Entry) -> (&'static EntryPoint, Vec<Value>) {
    let (name, arguments) = v0_15::call(entry);
    let mut entry_points = v0_15::ENTRY_POINTS.iter();
    let entry_point = entry_points.find(|entry_point| entry_point.name == name);
    (entry_point.expect("the table has every entry"), arguments)
}

/// An answer as a value of the interface; none for an answer that says nothing.
pub(crate) fn answer(answer: Answer) -> Option<Value> {
    answers::value(answer)
}
