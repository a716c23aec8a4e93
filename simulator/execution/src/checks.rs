//! What is checked before a module is compiled: whether it is one, and how large its parts are.

use protocol::application::guest::ModuleError;
use wasmparser::{
    Chunk, Encoding, FunctionBody, Parser, Payload, TypeRef, Validator, WasmFeatures,
};

use crate::limits::Limits;

/// How large a module is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) functions: u64,
    /// The largest number of values that one function declares, its parameters among them.
    pub(crate) locals: u64,
    /// Memory that it begins with, in bytes.
    pub(crate) memory_bytes: u64,
    /// Elements of its tables that it begins with.
    pub(crate) table_elements: u64,
}

/// Bytes of a page of memory.
const PAGE: u64 = 65_536;

/// Reads how large a module is.
///
/// # Errors
/// If it is not a core module, or cannot be read.
pub(crate) fn shape(bytecode: &[u8], limits: &Limits) -> Result<Shape, ModuleError> {
    check_header(bytecode, limits)?;
    read_shape(bytecode).map_err(|error| ModuleError::Invalid(error.message().to_owned()))
}

fn check_header(bytecode: &[u8], limits: &Limits) -> Result<(), ModuleError> {
    let size = u64::try_from(bytecode.len()).expect("a length");
    if size > limits.bytecode_bytes {
        let maximum = limits.bytecode_bytes;
        return Err(ModuleError::TooLarge { size, maximum });
    }
    let not_wasm = |what: &str| Err(ModuleError::NotWasm(what.to_owned()));
    if !bytecode.starts_with(b"\0asm") {
        return not_wasm("it does not begin with the four bytes that all modules begin with");
    }
    match Parser::new(0).parse(bytecode, true) {
        Ok(Chunk::Parsed {
            payload:
                Payload::Version {
                    encoding: Encoding::Module,
                    ..
                },
            ..
        }) => Ok(()),
        Ok(_) => not_wasm("it is a component; build a core module (wasm32-unknown-unknown)"),
        Err(error) => not_wasm(error.message()),
    }
}

fn read_shape(bytecode: &[u8]) -> Result<Shape, wasmparser::BinaryReaderError> {
    let mut shape = Shape::default();
    let mut validator = Validator::new_with_features(WasmFeatures::default());
    let mut params = Vec::new();
    let mut functions = Vec::new();
    let mut bodies = 0;
    for payload in Parser::new(0).parse_all(bytecode) {
        let payload = payload?;
        match &payload {
            Payload::TypeSection(types) => {
                for ty in types.clone().into_iter_err_on_gc_types() {
                    params.push(ty?.params().len());
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.clone() {
                    if let TypeRef::Memory(memory) = import?.ty {
                        shape.memory_bytes += memory.initial.saturating_mul(PAGE);
                    }
                }
            }
            Payload::FunctionSection(section) => {
                functions = section.clone().into_iter().collect::<Result<_, _>>()?;
            }
            Payload::MemorySection(memories) => {
                for memory in memories.clone() {
                    shape.memory_bytes += memory?.initial.saturating_mul(PAGE);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables.clone() {
                    shape.table_elements += table?.ty.initial;
                }
            }
            Payload::CodeSectionEntry(body) => {
                let ty: Option<&u32> = functions.get(bodies);
                let ty = ty.and_then(|ty| usize::try_from(*ty).ok());
                let params = ty.and_then(|ty| params.get(ty)).copied().unwrap_or(0);
                shape.locals = shape.locals.max(locals(body, params)?);
                bodies += 1;
            }
            _ => {}
        }
        validator.payload(&payload)?;
    }
    shape.functions = u64::try_from(bodies).expect("a count");
    Ok(shape)
}

fn locals(body: &FunctionBody<'_>, params: usize) -> Result<u64, wasmparser::BinaryReaderError> {
    let mut locals = u64::try_from(params).expect("a count");
    for group in body.get_locals_reader()? {
        locals += u64::from(group?.0);
    }
    Ok(locals)
}

/// Whether all parts are small enough.
///
/// # Errors
/// The first one that is not.
pub(crate) fn check_shape(shape: &Shape, limits: &Limits) -> Result<(), ModuleError> {
    let parts = [
        ("functions", shape.functions, limits.functions),
        (
            "locals in one function",
            shape.locals,
            limits.locals_per_function,
        ),
        (
            "bytes of memory to begin with",
            shape.memory_bytes,
            limits.memory_bytes,
        ),
        (
            "elements of tables to begin with",
            shape.table_elements,
            limits.table_elements,
        ),
    ];
    for (what, found, maximum) in parts {
        if found > maximum {
            let what = what.to_owned();
            return Err(ModuleError::Limit {
                what,
                found,
                maximum,
            });
        }
    }
    Ok(())
}
