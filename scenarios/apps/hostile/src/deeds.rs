//! What may be asked of this application.

use linera_sdk::linera_base_types::{ApplicationId, ChainId};
use serde::{Deserialize, Serialize};

use crate::lies::Lie;

/// One deed. Those that end the action say so; after all others the next one is done.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Deed {
    // Of the machine, in contracts and services.
    /// Panics, with a text of so many bytes. Ends the action.
    Panic {
        /// Length of the text.
        bytes: u32,
    },
    /// Executes an instruction that traps. Ends the action.
    Trap,
    /// Loops for ever. Ends the action when its fuel is spent.
    Loop,
    /// Loops so many times.
    Spin {
        /// How often.
        times: u64,
    },
    /// Calls itself until the stack is full. Ends the action.
    Recurse,
    /// Grows the memory page by page until the host refuses; answers with the number of pages.
    GrowMemory,
    /// Grows the memory in a loop that never ends, whatever the host answers. Ends the action when
    /// its fuel is spent.
    GrowForEver,
    /// Allocates so much and writes to it; ends the action if there is not so much.
    Allocate {
        /// How much.
        bytes: u32,
    },
    /// Divides zero by zero, and answers with the bits of what comes out.
    NotANumber,

    // Floods.
    /// Logs so many lines.
    Log {
        /// How many.
        count: u32,
        /// How long each is.
        bytes: u32,
    },
    /// Sends so many messages, which do the same deeds where they arrive.
    Send {
        /// Where to.
        chain_id: ChainId,
        /// How many.
        count: u32,
        /// Whether they come back when they are rejected.
        tracked: bool,
        /// What they do there.
        deeds: Vec<Deed>,
    },
    /// Writes so many values.
    Write {
        /// How many.
        count: u32,
        /// How long each is.
        bytes: u32,
    },
    /// Writes one value under a key of so many bytes, past the SDK's limit of 900.
    WriteLongKey {
        /// How long the key is.
        bytes: u32,
    },
    /// Emits so many events.
    Emit {
        /// How many.
        count: u32,
        /// How long each is.
        bytes: u32,
    },
    /// Publishes so many blobs of data, which differ.
    Publish {
        /// How many.
        count: u32,
        /// How long each is.
        bytes: u32,
    },
    /// Calls a host function so often that has no effect.
    Ask {
        /// How often.
        count: u32,
    },
    /// Answers with so many bytes more.
    Answer {
        /// How many.
        bytes: u32,
    },

    // Other applications.
    /// Has another application of this kind do deeds, by a call (contract) or a query (service).
    /// Naming oneself at the end of a chain of names re-enters.
    Have {
        /// Who is called.
        application: ApplicationId,
        /// What it is to do.
        deeds: Vec<Deed>,
    },
    /// Does deeds when the transaction ends, in `finalize`.
    AtEnd(Vec<Deed>),

    // Past the SDK.
    /// Calls an imported function with arguments that cannot be right.
    Tell(Lie),
    /// Writes a change of storage that is of no kind.
    WriteUnknownChange,
}
