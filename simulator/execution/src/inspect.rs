//! What a file is, as far as the interface is concerned: for people who wonder why it does not run.

use protocol::application::guest::{ModuleError, Role};
use wasmi::{Engine, Module};

use crate::{
    checks,
    interface::{self, VERSION},
    limits::{self, Limits},
    machine,
};

/// What is known of a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// What it seems to be, by what it exports and imports; `None`: neither.
    pub role: Option<Role>,
    /// The newest version of the interface that it asks for, if it asks for any.
    pub version: Option<&'static str>,
    /// Its bytes.
    pub bytes: u64,
    /// How many functions it has.
    pub functions: u64,
    /// The most values that one of them declares.
    pub locals: u64,
    /// Memory that it begins with, in bytes.
    pub memory_bytes: u64,
    /// Elements of tables that it begins with.
    pub table_elements: u64,
    /// Functions that it imports, as `interface#function`, in order.
    pub imports: Vec<String>,
    /// What it exports, in order.
    pub exports: Vec<String>,
    /// What keeps it from being published, if anything does.
    pub problems: Vec<ModuleError>,
}

/// Looks at bytecode.
///
/// # Errors
/// If it is no module, or one that cannot be read.
pub fn inspect(bytecode: &[u8], limits: &Limits) -> Result<Inspection, ModuleError> {
    let shape = checks::shape(bytecode, limits)?;
    let engine = Engine::new(&limits::config());
    let module =
        Module::new(&engine, bytecode).map_err(|error| ModuleError::Invalid(error.to_string()))?;
    let imports: Vec<_> = module
        .imports()
        .map(|import| format!("{}#{}", import.module(), import.name()))
        .collect();
    let exports: Vec<_> = module
        .exports()
        .map(|export| export.name().to_owned())
        .collect();
    let role = role(&imports, &exports);
    let mut problems: Vec<_> = checks::check_shape(&shape, limits)
        .err()
        .into_iter()
        .collect();
    match role {
        Some(role) => {
            problems.extend(machine::check_imports(role, &module).err());
            problems.extend(machine::check_exports(role, &module).err());
        }
        None => problems.extend(machine::check_exports(Role::Contract, &module).err()),
    }
    Ok(Inspection {
        role,
        version: version(&module),
        bytes: u64::try_from(bytecode.len()).expect("a length"),
        functions: shape.functions,
        locals: shape.locals,
        memory_bytes: shape.memory_bytes,
        table_elements: shape.table_elements,
        imports,
        exports,
        problems,
    })
}

/// All functions that code of this role may import, as `interface#function`.
pub fn functions(role: Role) -> Vec<String> {
    let name = |function: &interface::Function| {
        format!("{}#{}", function.interface.module(), function.name)
    };
    interface::functions(role).map(name).collect()
}

fn role(imports: &[String], exports: &[String]) -> Option<Role> {
    let of = |role: Role, interface: &str| {
        interface::entry_points(role).any(|entry| exports.iter().any(|name| name == entry.name))
            || imports.iter().any(|name| name.starts_with(interface))
    };
    if of(Role::Contract, "linera:app/contract-runtime-api#") {
        Some(Role::Contract)
    } else if of(Role::Service, "linera:app/service-runtime-api#") {
        Some(Role::Service)
    } else {
        None
    }
}

fn version(module: &Module) -> Option<&'static str> {
    let versions = module.imports().filter_map(|import| {
        let later = interface::later_version(import.module(), import.name());
        later.or_else(|| {
            import
                .module()
                .starts_with("linera:app/")
                .then_some(VERSION)
        })
    });
    versions.max()
}
