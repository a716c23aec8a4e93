//! An instance that runs as a coroutine.
//!
//! Every function of the host stops the interpreter; what was asked is read from the guest's memory
//! once it stands still. The answer is written into memory that the guest's own allocator gives, and
//! the interpreter goes on. So the host is never inside of a guest, nor a guest inside of another.

use std::{fmt, mem, sync::Arc};

use protocol::application::{
    guest::{Entry, Guest, GuestError, Step},
    request::{Answer, BaseRequest, LogLevel, Request},
};
use wasmi::{
    Error, Func, Linker, Memory, ResumableCall, ResumableCallHostTrap, Store, TrapCode, TypedFunc,
    Val, errors::HostError,
};

use crate::{
    abi::{Lift, Lower, Malformed, Type, Value},
    interface::{self, Args, EntryPoint, Function, Serves},
    limits::{BYTES_PER_FUEL, HOST_CALL_FUEL, Limits},
    machine::{Compiled, MEMORY, REALLOC, word},
};

mod bounds;

pub(crate) use bounds::Host;
use bounds::Promises;

/// What a host function ends with: the interpreter stands still until it is answered.
#[derive(Debug)]
struct Suspended;

impl fmt::Display for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host is asked while it hands something over")
    }
}

impl std::error::Error for Suspended {}
impl HostError for Suspended {}

/// A guest of this machine.
pub(crate) struct WasmGuest {
    compiled: Arc<Compiled>,
    store: Store<Host>,
    instance: wasmi::Instance,
    memory: Memory,
    realloc: TypedFunc<(i32, i32, i32, i32), i32>,
    promises: Promises,
    logged: u64,
    calls: u64,
    /// The last thing that it said is wrong: a panic says so before it traps.
    last_words: Option<String>,
    state: State,
}

/// Where it stands.
enum State {
    /// It may be entered.
    Idle,
    /// It waits for the answer to a function.
    Waiting(ResumableCallHostTrap, Call, &'static EntryPoint),
    /// It runs, or it has failed and is of no use.
    Gone,
}

/// A function of the host that was called.
#[derive(Clone, Copy)]
struct Call {
    function: &'static Function,
    /// Where the result is to be written, if it does not fit into a value.
    result_at: Option<u32>,
}

/// What becomes of a call of the host.
enum Served {
    /// It is answered: with this value, if it has a result.
    Now(Option<Value>),
    /// Somebody else has to answer.
    Asks(Request),
}

impl WasmGuest {
    pub(crate) fn new(
        compiled: Arc<Compiled>,
        module: &wasmi::Module,
        linker: &Linker<Host>,
        fuel: u64,
    ) -> Result<Self, GuestError> {
        let limits = compiled.limits;
        let mut store = Store::new(&compiled.engine, Host::new(&limits));
        store.limiter(|host| host);
        store.set_fuel(fuel).expect("fuel is metered");
        let instance = linker
            .instantiate_and_start(&mut store, module)
            .map_err(|error| failure(&error, store.data(), &limits, None))?;
        let memory = instance.get_memory(&store, MEMORY);
        let realloc = instance.get_typed_func(&store, REALLOC);
        Ok(Self {
            compiled,
            memory: memory.expect("checked when it was compiled"),
            realloc: realloc.expect("checked when it was compiled"),
            instance,
            store,
            promises: Promises::new(limits.promised_bytes),
            logged: 0,
            calls: 0,
            last_words: None,
            state: State::Idle,
        })
    }

    fn limits(&self) -> Limits {
        self.compiled.limits
    }

    fn enter(&mut self, entry: Entry) -> Result<Step, GuestError> {
        let (entry_point, arguments) = interface::call(entry);
        let signature = self.compiled.signature(entry_point);
        assert!(
            !signature.params_in_memory,
            "entry points have few parameters"
        );
        let has_result = !signature.results.is_empty();
        let arguments = self.lower_flat(entry_point.params, &arguments)?;
        let function = self.export(entry_point.name);
        let mut results = [Val::I32(0)];
        let results = &mut results[..usize::from(has_result)];
        let call = function.call_resumable(&mut self.store, &arguments, results);
        let first = results.first().cloned();
        self.go_on(call, entry_point, first)
    }

    fn answer(&mut self, answer: Answer) -> Result<Step, GuestError> {
        let State::Waiting(suspended, call, entry_point) =
            mem::replace(&mut self.state, State::Gone)
        else {
            panic!("a guest is answered that asks nothing");
        };
        let value = match (call.function.serves, interface::answer(answer)) {
            (Serves::Promises(_), Some(value)) => {
                let number = self.promises.give(call.function.name, value);
                Some(number.map_err(|error| malformed(call.function, error))?)
            }
            (_, value) => value,
        };
        let (resumed, first) = self.resume(suspended, call, value, entry_point)?;
        self.go_on(resumed, entry_point, first)
    }

    /// Runs on until somebody else is needed.
    fn go_on(
        &mut self,
        mut call: Result<ResumableCall, Error>,
        entry_point: &'static EntryPoint,
        mut result: Option<Val>,
    ) -> Result<Step, GuestError> {
        loop {
            let suspended = match call {
                Ok(ResumableCall::HostTrap(suspended)) => suspended,
                Ok(ResumableCall::OutOfFuel(_)) => return Err(GuestError::OutOfFuel),
                Ok(ResumableCall::Finished) => {
                    let bytes = self.take_result(entry_point, result)?;
                    self.state = State::Idle;
                    return Ok(Step::Returns(bytes));
                }
                Err(error) => return Err(self.failure(&error)),
            };
            let (asked, served) = self.serve()?;
            match served {
                Served::Now(value) => {
                    (call, result) = self.resume(suspended, asked, value, entry_point)?;
                }
                Served::Asks(request) => {
                    self.state = State::Waiting(suspended, asked, entry_point);
                    return Ok(Step::Asks(request));
                }
            }
        }
    }

    /// Looks at the call that the guest has stopped at.
    fn serve(&mut self) -> Result<(Call, Served), GuestError> {
        let limits = self.limits();
        self.calls += 1;
        if self.calls > limits.host_calls {
            let maximum = limits.host_calls;
            return Err(GuestError::HostCallLimit { maximum });
        }
        self.burn(HOST_CALL_FUEL)?;
        let compiled = self.compiled.clone();
        let (function, signature) = &compiled.functions[self.store.data().number()];
        let mut flat = self.store.data().params();
        let result_at = signature.result_in_memory.then(|| {
            let (last, others) = flat
                .split_last()
                .expect("the address is the last parameter");
            flat = others;
            address(*last)
        });
        let mut lift = Lift::new(self.memory.data(&self.store), limits.passed_bytes);
        let values = if signature.params_in_memory {
            lift.record(function.params, address(flat[0]))
        } else {
            lift.params(function.params, flat)
        };
        let passed = limits.passed_bytes - lift.budget();
        let values = values.map_err(|error| malformed(function, error))?;
        self.burn(passed / BYTES_PER_FUEL)?;
        let served = self.consider(function, values)?;
        let call = Call {
            function,
            result_at,
        };
        Ok((call, served))
    }

    fn consider(
        &mut self,
        function: &'static Function,
        mut values: Vec<Value>,
    ) -> Result<Served, GuestError> {
        match function.serves {
            Serves::Asks(ask) | Serves::Promises(ask) => {
                let request = ask(Args::new(values));
                let request = request.map_err(|error| malformed(function, error))?;
                self.note_log(&request)?;
                Ok(Served::Asks(request))
            }
            Serves::Keeps(promised) => {
                let number = Args::new(values).u32();
                let value = self.promises.keep(promised, number);
                let value = value.map_err(|error| malformed(function, error))?;
                Ok(Served::Now(Some(value)))
            }
            Serves::Burns => match values.pop() {
                Some(Value::Int(fuel)) => {
                    self.burn(fuel)?;
                    Ok(Served::Now(None))
                }
                other => unreachable!("fuel is a number, and not {other:?}"),
            },
        }
    }

    fn note_log(&mut self, request: &Request) -> Result<(), GuestError> {
        let Request::Base(BaseRequest::Log(level, line)) = request else {
            return Ok(());
        };
        self.logged += u64::try_from(line.len()).expect("a length");
        let maximum = self.limits().log_bytes;
        if self.logged > maximum {
            return Err(GuestError::LogLimit { maximum });
        }
        if *level == LogLevel::Error {
            self.last_words = Some(line.clone());
            self.store.data_mut().hear();
        }
        Ok(())
    }

    /// Hands over the result of a call and lets the interpreter go on.
    fn resume(
        &mut self,
        suspended: ResumableCallHostTrap,
        call: Call,
        value: Option<Value>,
        entry_point: &EntryPoint,
    ) -> Result<(Result<ResumableCall, Error>, Option<Val>), GuestError> {
        let function = call.function;
        let returned = match (function.result, value, call.result_at) {
            (None, None, None) => None,
            (Some(ty), Some(value), None) => Some(flat_value(&ty, &value)),
            (Some(ty), Some(value), Some(address)) => {
                let lower = Lower::record(&[ty], &[value]);
                self.write(lower, Some(address))
                    .map_err(|error| error.of(function.name))?;
                None
            }
            (ty, value, _) => panic!("{}: {value:?} is no answer of type {ty:?}", function.name),
        };
        let mut results = [Val::I32(0)];
        let has_result = entry_point.result.is_some();
        let results = &mut results[..usize::from(has_result)];
        let resumed = suspended.resume(&mut self.store, returned.as_slice(), results);
        Ok((resumed, results.first().cloned()))
    }

    /// Reads what an entry point returned, and lets the guest free it.
    fn take_result(
        &mut self,
        entry_point: &EntryPoint,
        result: Option<Val>,
    ) -> Result<Vec<u8>, GuestError> {
        let (Some(ty), Some(result)) = (entry_point.result, result) else {
            return Ok(Vec::new());
        };
        let limit = self.limits().passed_bytes;
        let mut lift = Lift::new(self.memory.data(&self.store), limit);
        let values = lift.record(&[ty], address(word(&result)));
        let passed = limit - lift.budget();
        let value = values.map_err(|error| Trouble::from(error).of(entry_point.name))?;
        self.burn(passed / BYTES_PER_FUEL)?;
        let bytes = match value.into_iter().next() {
            Some(Value::Bytes(bytes)) => bytes,
            other => unreachable!("entry points return bytes, and not {other:?}"),
        };
        let post_return = entry_point.post_return();
        if let Some(post_return) = self.instance.get_func(&self.store, &post_return) {
            let freed = post_return.call(&mut self.store, &[result], &mut []);
            freed.map_err(|error| self.failure(&error))?;
        }
        Ok(bytes)
    }

    /// Arguments of an entry point: those that are lists point into the guest's memory.
    fn lower_flat(&mut self, types: &[Type], values: &[Value]) -> Result<Vec<Val>, GuestError> {
        let mut flat = Vec::new();
        for (ty, value) in types.iter().zip(values) {
            let lower = Lower::record(&[*ty], std::slice::from_ref(value));
            let written = self.write(lower, None);
            let head = written.map_err(|error| error.of("the arguments"))?;
            for chunk in head.chunks_exact(4) {
                let chunk = chunk.try_into().expect("four bytes");
                flat.push(Val::I32(i32::from_le_bytes(chunk)));
            }
        }
        Ok(flat)
    }

    /// Writes a value into the guest's memory. Its head goes to `address`, or is given back with the
    /// addresses in place if there is none.
    fn write(&mut self, lower: Lower, address: Option<u32>) -> Result<Vec<u8>, Trouble> {
        self.burn(lower.size() / BYTES_PER_FUEL)?;
        let parts: Vec<_> = lower.parts().collect();
        let mut addresses = Vec::with_capacity(parts.len());
        for (size, alignment) in parts {
            addresses.push(self.allocate(size, alignment)?);
        }
        let (_, alignment) = lower.head();
        if let Some(address) = address
            && !address.is_multiple_of(alignment)
        {
            let reason = format!("the address {address} is no multiple of {alignment}");
            return Err(Malformed(reason).into());
        }
        let memory = self.memory.data_mut(&mut self.store);
        let head = lower.write(memory, &addresses, address);
        head.ok_or_else(|| Malformed("the result does not lie in memory".to_owned()).into())
    }

    /// Has the guest make room for so many bytes.
    fn allocate(&mut self, size: Option<u32>, alignment: u32) -> Result<u32, Trouble> {
        let signed = size.and_then(|size| i32::try_from(size).ok());
        let Some(size) = signed else {
            let maximum = self.limits().memory_bytes;
            return Err(GuestError::MemoryLimit { maximum }.into());
        };
        let signed_alignment = i32::try_from(alignment).expect("at most 8");
        if size == 0 {
            // Nothing is written there, and nothing freed; it only must not be null.
            return Ok(alignment);
        }
        let arguments = (0, 0, signed_alignment, size);
        let address = self.realloc.call(&mut self.store, arguments);
        let address = address.map_err(|error| self.failure(&error))?;
        let address = address.cast_unsigned();
        if address.is_multiple_of(alignment) {
            Ok(address)
        } else {
            let reason = format!("its allocator gives {address}, no multiple of {alignment}");
            Err(Malformed(reason).into())
        }
    }

    fn burn(&mut self, fuel: u64) -> Result<(), GuestError> {
        let left = self.fuel().checked_sub(fuel);
        self.set_fuel(left.unwrap_or(0));
        left.map(|_| ()).ok_or(GuestError::OutOfFuel)
    }

    fn export(&self, name: &str) -> Func {
        let function = self.instance.get_func(&self.store, name);
        function.expect("checked when it was compiled")
    }

    fn failure(&self, error: &Error) -> GuestError {
        let limits = self.limits();
        failure(
            error,
            self.store.data(),
            &limits,
            self.last_words.as_deref(),
        )
    }

    /// A guest that has failed has nothing to say any more.
    fn settle(&mut self, step: Result<Step, GuestError>) -> Step {
        step.unwrap_or_else(|error| {
            self.state = State::Gone;
            if error == GuestError::OutOfFuel {
                self.set_fuel(0);
            }
            Step::Fails(error)
        })
    }
}

impl Guest for WasmGuest {
    fn start(&mut self, entry: Entry) -> Step {
        let state = mem::replace(&mut self.state, State::Gone);
        assert!(
            matches!(state, State::Idle),
            "a guest is entered that has not returned"
        );
        let step = self.enter(entry);
        self.settle(step)
    }

    fn resume(&mut self, answer: Answer) -> Step {
        let step = self.answer(answer);
        self.settle(step)
    }

    fn fuel(&self) -> u64 {
        self.store.get_fuel().expect("fuel is metered")
    }

    fn set_fuel(&mut self, fuel: u64) {
        self.store.set_fuel(fuel).expect("fuel is metered");
    }
}

/// Something that fails while a value is handed over, before it is known for which function.
enum Trouble {
    Malformed(Malformed),
    Guest(GuestError),
}

impl Trouble {
    fn of(self, function: &str) -> GuestError {
        match self {
            Self::Malformed(Malformed(reason)) => GuestError::Malformed {
                function: function.to_owned(),
                reason,
            },
            Self::Guest(error) => error,
        }
    }
}

impl From<Malformed> for Trouble {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

impl From<GuestError> for Trouble {
    fn from(error: GuestError) -> Self {
        Self::Guest(error)
    }
}

fn malformed(function: &Function, error: Malformed) -> GuestError {
    Trouble::from(error).of(function.name)
}

/// A value that is passed as it is. No type of the interface is passed so that is not a number.
fn flat_value(ty: &Type, value: &Value) -> Val {
    match (ty, value) {
        (Type::Bool, Value::Bool(value)) => Val::I32(i32::from(*value)),
        (Type::U8 | Type::U16 | Type::U32, Value::Int(value)) => {
            Val::I32(address(*value).cast_signed())
        }
        (Type::U64, Value::Int(value)) => Val::I64(value.cast_signed()),
        (ty, value) => panic!("an answer of another kind: {value:?} is no {ty:?}"),
    }
}

/// The address in a word that is 32 bits wide.
fn address(word: u64) -> u32 {
    u32::try_from(word).expect("the word of a narrow type")
}

/// Why the interpreter has stopped.
fn failure(error: &Error, host: &Host, limits: &Limits, last_words: Option<&str>) -> GuestError {
    if error.downcast_ref::<Suspended>().is_some() {
        return GuestError::Malformed {
            function: REALLOC.to_owned(),
            reason: Suspended.to_string(),
        };
    }
    match (error.as_trap_code(), last_words) {
        (Some(TrapCode::OutOfFuel), _) => GuestError::OutOfFuel,
        // An allocator that gets no memory can only trap.
        (Some(TrapCode::UnreachableCodeReached), _) if host.was_refused() => {
            let maximum = limits.memory_bytes;
            GuestError::MemoryLimit { maximum }
        }
        (Some(TrapCode::UnreachableCodeReached), Some(text)) => GuestError::Panic(text.to_owned()),
        (Some(code), _) => GuestError::Trap(code.to_string()),
        (None, _) => GuestError::Trap(error.to_string()),
    }
}
