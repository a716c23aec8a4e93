//! Values that are written and read again, and layouts that the specification fixes.

use proptest::prelude::*;
use protocol::application::guest::Role;
use wasmi::ValType::{I32, I64};

use super::{Lift, Lower, Signature, Type, Value};
use crate::interface;

/// Any value of a type.
fn value(ty: &Type) -> BoxedStrategy<Value> {
    match *ty {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::U8 => (0..=0xff_u64).prop_map(Value::Int).boxed(),
        Type::U16 => (0..=0xffff_u64).prop_map(Value::Int).boxed(),
        Type::U32 => (0..=0xffff_ffff_u64).prop_map(Value::Int).boxed(),
        Type::U64 => any::<u64>().prop_map(Value::Int).boxed(),
        Type::Hash => any::<[u8; 32]>().prop_map(Value::Hash).boxed(),
        Type::Amount => any::<u128>().prop_map(Value::Amount).boxed(),
        Type::Text => any::<String>().prop_map(Value::Text).boxed(),
        Type::Bytes => any::<Vec<u8>>().prop_map(Value::Bytes).boxed(),
        Type::List(element) => proptest::collection::vec(value(element), 0..4)
            .prop_map(Value::List)
            .boxed(),
        Type::Option(payload) => proptest::option::of(value(payload))
            .prop_map(|value| Value::Option(value.map(Box::new)))
            .boxed(),
        Type::Record(fields) => record(fields).prop_map(Value::Record).boxed(),
        Type::Variant(cases) => (0..cases.len())
            .prop_flat_map(|index| {
                let tag = u32::try_from(index).expect("few cases");
                match &cases[index] {
                    None => Just(Value::Variant(tag, None)).boxed(),
                    Some(payload) => value(payload)
                        .prop_map(move |value| Value::Variant(tag, Some(Box::new(value))))
                        .boxed(),
                }
            })
            .boxed(),
    }
}

fn record(fields: &[Type]) -> impl Strategy<Value = Vec<Value>> + use<> {
    fields.iter().map(value).collect::<Vec<_>>()
}

/// Lists of types that pass together: parameters, and results.
fn passed() -> Vec<Vec<Type>> {
    let functions = [Role::Contract, Role::Service]
        .into_iter()
        .flat_map(interface::functions);
    functions
        .flat_map(|function| {
            [
                function.params.to_vec(),
                function.result.into_iter().collect(),
            ]
        })
        .filter(|types| !types.is_empty())
        .collect()
}

/// Writes values into a memory that begins with `start` bytes of something else.
fn written(types: &[Type], values: &[Value], start: u32) -> (Vec<u8>, u32) {
    let lower = Lower::record(types, values);
    let mut end = start;
    let mut place = |size: u32, alignment: u32| {
        let at = end.next_multiple_of(alignment);
        end = at + size;
        at
    };
    let addresses: Vec<_> = lower
        .parts()
        .map(|(size, alignment)| place(size.expect("small"), alignment))
        .collect();
    let (size, alignment) = lower.head();
    let head = place(size, alignment);
    let mut memory = vec![0xee; usize::try_from(end).expect("small")];
    let written = lower.write(&mut memory, &addresses, Some(head));
    written.expect("there is room for all parts");
    (memory, head)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is written is read again, whatever type of the interface it has and wherever it lies.
    #[test]
    fn what_is_written_is_read(
        (types, values) in proptest::sample::select(passed()).prop_flat_map(|types| {
            let values = record(&types);
            (Just(types), values)
        }),
        start in 0..64_u32,
    ) {
        let (memory, head) = written(&types, &values, start);
        let mut lift = Lift::new(&memory, 1 << 20);
        let read = lift.record(&types, head);
        prop_assert_eq!(read, Ok(values));
    }
}

#[test]
fn layouts_are_those_of_the_specification() {
    const OWNER: Type = Type::Variant(&[
        Some(Type::U8),
        Some(Type::Hash),
        Some(Type::Record(&[Type::U64, Type::U64, Type::U64])),
    ]);
    let layouts = [
        (Type::Bool, 1, 1),
        (Type::Hash, 32, 8),
        (Type::Amount, 16, 8),
        (Type::Bytes, 8, 4),
        (OWNER, 40, 8),
        (Type::Option(&Type::Bool), 2, 1),
        (Type::Option(&Type::U32), 8, 4),
        (Type::Option(&OWNER), 48, 8),
        (Type::Record(&[Type::U16, Type::Bytes, Type::U8]), 16, 4),
        (Type::Variant(&[None, Some(Type::Variant(&[None]))]), 2, 1),
    ];
    for (ty, size, alignment) in layouts {
        assert_eq!((ty.size(), ty.alignment()), (size, alignment), "{ty:?}");
    }
    assert_eq!(OWNER.flat(), [I32, I64, I64, I64, I64]);
    assert_eq!(Type::Option(&Type::Bytes).flat(), [I32, I32, I32]);
}

#[test]
fn what_is_too_much_for_parameters_lies_in_memory() {
    let sixteen = Signature::of_import(&[Type::U32; 16], None);
    assert_eq!(sixteen.params, [I32; 16]);
    assert!(!sixteen.params_in_memory);
    let seventeen = Signature::of_import(&[Type::U32; 17], Some(Type::Hash));
    assert_eq!(seventeen.params, [I32; 2]);
    assert_eq!(seventeen.results, []);
    assert!(seventeen.params_in_memory && seventeen.result_in_memory);
    let export = Signature::of_export(&[Type::Bytes], Some(Type::Bytes));
    assert_eq!((export.params, export.results), (vec![I32; 2], vec![I32]));
}

#[test]
fn a_narrow_payload_in_a_wide_slot_is_cut() {
    const OWNER: Type = Type::Variant(&[Some(Type::U8), Some(Type::Hash)]);
    let mut lift = Lift::new(&[], 100);
    let flat = [0, 0xffff_ffff_ffff_ff07, 1, 2, 3, 42];
    let values = lift.params(&[OWNER, Type::U32], &flat);
    let reserved = Value::Variant(0, Some(Box::new(Value::Int(7))));
    assert_eq!(values, Ok(vec![reserved, Value::Int(42)]));
}
