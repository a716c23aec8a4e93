//! Modules: what is checked when they are published, and how they are compiled.

use std::{collections::BTreeMap, sync::Arc};

use protocol::application::guest::{Guest, GuestError, Module, ModuleError, Role, VirtualMachine};
use wasmi::{Engine, ExternType, FuncType, Linker, Val, ValType};

use crate::{
    abi::Signature,
    checks,
    guest::{Host, WasmGuest},
    interface::{self, EntryPoint, Function},
    limits::{self, Limits},
    stored,
};

/// Compiles and runs bytecode of the interface. It keeps nothing: who needs a module twice keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Machine {
    /// What guests may use.
    pub limits: Limits,
}

impl Machine {
    /// Checks and compiles bytecode as it is stored in blobs: compressed.
    ///
    /// # Errors
    /// If it is not compressed code, larger than code may be, or not of this interface.
    pub fn compile_stored(
        &self,
        role: Role,
        stored: &[u8],
    ) -> Result<Arc<dyn Module>, ModuleError> {
        let bytecode = stored::unpack(stored, self.limits.bytecode_bytes)?;
        self.compile(role, &bytecode)
    }
}

impl VirtualMachine for Machine {
    fn compile(&self, role: Role, bytecode: &[u8]) -> Result<Arc<dyn Module>, ModuleError> {
        let compiled = Compiled::new(role, bytecode, self.limits)?;
        Ok(Arc::new(Shared(compiled)))
    }
}

/// The name and the type that everything passed to guests' allocators goes by.
pub(crate) const MEMORY: &str = "memory";
pub(crate) const REALLOC: &str = "cabi_realloc";

/// A compiled module with an engine of its own, since engines never free the code of modules.
pub(crate) struct Compiled {
    pub(crate) limits: Limits,
    pub(crate) engine: Engine,
    module: wasmi::Module,
    linker: Linker<Host>,
    /// In the order in which functions are numbered when they are linked.
    pub(crate) functions: Vec<(&'static Function, Signature)>,
    entry_points: BTreeMap<&'static str, Signature>,
    fuel: u64,
}

impl Compiled {
    pub(crate) fn new(
        role: Role,
        bytecode: &[u8],
        limits: Limits,
    ) -> Result<Arc<Self>, ModuleError> {
        let shape = checks::shape(bytecode, &limits)?;
        checks::check_shape(&shape, &limits)?;
        let engine = Engine::new(&limits::config());
        let module = wasmi::Module::new(&engine, bytecode)
            .map_err(|error| ModuleError::Invalid(error.to_string()))?;
        check_imports(role, &module)?;
        check_exports(role, &module)?;
        let functions: Vec<_> = interface::functions(role)
            .map(|function| (function, function.signature()))
            .collect();
        let linker = link(&engine, &functions);
        let entry_points = interface::entry_points(role)
            .map(|entry_point| (entry_point.name, entry_point.signature()))
            .collect();
        Ok(Arc::new(Self {
            limits,
            engine,
            module,
            linker,
            functions,
            entry_points,
            fuel: limits::instance_fuel(shape.memory_bytes),
        }))
    }

    pub(crate) fn signature(&self, entry_point: &EntryPoint) -> &Signature {
        let signature = self.entry_points.get(entry_point.name);
        signature.expect("modules are entered where their role says")
    }
}

/// A compiled module that its guests share.
struct Shared(Arc<Compiled>);

impl Module for Shared {
    fn instantiate(&self, fuel: u64) -> Result<Box<dyn Guest>, GuestError> {
        let compiled = &self.0;
        let fuel = fuel
            .checked_sub(compiled.fuel)
            .ok_or(GuestError::OutOfFuel)?;
        let guest = WasmGuest::new(compiled.clone(), &compiled.module, &compiled.linker, fuel)?;
        Ok(Box::new(guest))
    }
}

/// Every function that there is, whether the module wants it or not.
fn link(engine: &Engine, functions: &[(&'static Function, Signature)]) -> Linker<Host> {
    let mut linker: Linker<Host> = Linker::new(engine);
    for (number, (function, signature)) in functions.iter().enumerate() {
        let ty = func_type(signature);
        let (module, name) = (function.interface.module(), function.name);
        linker
            .func_new(module, name, ty, move |mut caller, params, _| {
                Err(caller.data_mut().suspend(number, params))
            })
            .expect("every function stands in the table once");
    }
    linker
}

fn func_type(signature: &Signature) -> FuncType {
    let params = signature.params.iter().copied();
    FuncType::new(params, signature.results.iter().copied())
}

/// Whether the module wants nothing that does not exist.
pub(crate) fn check_imports(role: Role, module: &wasmi::Module) -> Result<(), ModuleError> {
    for import in module.imports() {
        let known = interface::functions(role).find(|function| {
            function.interface.module() == import.module() && function.name == import.name()
        });
        let name = format!("{}#{}", import.module(), import.name());
        let Some(function) = known else {
            return Err(unknown_import(role, name, import.module(), import.name()));
        };
        let expected = function.signature();
        let matches = import.ty().func().is_some_and(|ty| is_type(ty, &expected));
        if !matches {
            return Err(ModuleError::MistypedImport {
                name,
                found: show_extern(import.ty()),
                expected: show(&expected.params, &expected.results),
            });
        }
    }
    Ok(())
}

fn unknown_import(role: Role, name: String, module: &str, function: &str) -> ModuleError {
    if let Some(version) = interface::later_version(module, function) {
        return ModuleError::NewerInterface {
            name,
            version: version.to_owned(),
            supported: interface::VERSION.to_owned(),
        };
    }
    let known = interface::functions(role)
        .map(|function| format!("{}#{}", function.interface.module(), function.name));
    let nearest = nearest(&name, known);
    ModuleError::UnknownImport { name, nearest }
}

/// Whether the module has everything that the interface demands of it.
pub(crate) fn check_exports(role: Role, module: &wasmi::Module) -> Result<(), ModuleError> {
    match module.get_export(MEMORY) {
        Some(ExternType::Memory(_)) => {}
        Some(other) => return Err(mistyped_export(MEMORY, &other, "a memory".to_owned())),
        None => return Err(missing_export(MEMORY, module)),
    }
    let realloc = Signature {
        params: vec![ValType::I32; 4],
        results: vec![ValType::I32],
        params_in_memory: false,
        result_in_memory: false,
    };
    check_export(REALLOC, &realloc, module)?;
    for entry_point in interface::entry_points(role) {
        check_export(entry_point.name, &entry_point.signature(), module)?;
        let post_return = entry_point.post_return();
        if module.get_export(&post_return).is_some() {
            let mut signature = entry_point.signature();
            signature.params = std::mem::take(&mut signature.results);
            check_export(&post_return, &signature, module)?;
        }
    }
    Ok(())
}

fn check_export(
    name: &str,
    expected: &Signature,
    module: &wasmi::Module,
) -> Result<(), ModuleError> {
    match module.get_export(name) {
        Some(ExternType::Func(ty)) if is_type(&ty, expected) => Ok(()),
        Some(other) => {
            let expected = show(&expected.params, &expected.results);
            Err(mistyped_export(name, &other, expected))
        }
        None => Err(missing_export(name, module)),
    }
}

fn missing_export(name: &str, module: &wasmi::Module) -> ModuleError {
    let exports = module.exports().map(|export| export.name().to_owned());
    ModuleError::MissingExport {
        name: name.to_owned(),
        nearest: nearest(name, exports),
    }
}

fn mistyped_export(name: &str, found: &ExternType, expected: String) -> ModuleError {
    ModuleError::MistypedExport {
        name: name.to_owned(),
        found: show_extern(found),
        expected,
    }
}

/// The known name that is most like `name`, if any is much like it.
fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let distances = known.map(|known| (strsim::levenshtein(name, &known), known));
    let (distance, known) = distances.min()?;
    (distance <= name.len() / 4 + 1).then_some(known)
}

fn is_type(ty: &FuncType, expected: &Signature) -> bool {
    ty.params() == expected.params && ty.results() == expected.results
}

fn show_extern(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(ty) => show(ty.params(), ty.results()),
        ExternType::Memory(_) => "a memory".to_owned(),
        ExternType::Table(_) => "a table".to_owned(),
        ExternType::Global(_) => "a global".to_owned(),
    }
}

fn show(params: &[ValType], results: &[ValType]) -> String {
    let list = |types: &[ValType]| {
        let types = types.iter().map(|ty| format!("{ty:?}").to_lowercase());
        types.collect::<Vec<_>>().join(", ")
    };
    format!("({}) -> ({})", list(params), list(results))
}

/// A parameter as a word, whatever its width.
pub(crate) fn word(value: &Val) -> u64 {
    match value {
        Val::I32(value) => u64::from(value.cast_unsigned()),
        Val::I64(value) => value.cast_unsigned(),
        other => unreachable!("the interface passes no {:?}", other.ty()),
    }
}
