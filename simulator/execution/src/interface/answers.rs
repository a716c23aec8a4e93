//! From the protocol's answers to values of the interface.

use protocol::application::{description::ApplicationDescription, request::Answer};

use super::{
    convert::{
        applications_value, balance_value, hash_value, http_response_value, key_value,
        module_value, owner_value, ownership_value, some, tagged,
    },
    v0_15::permissions_value,
};
use crate::abi::Value;

/// An answer as a value; none for an answer that says nothing.
pub(super) fn value(answer: Answer) -> Option<Value> {
    let list = |bytes: Vec<Vec<u8>>| Value::List(bytes.into_iter().map(Value::Bytes).collect());
    let int = |value: u32| Value::Int(u64::from(value));
    Some(match answer {
        Answer::Unit => return None,
        Answer::Bool(value) => Value::Bool(value),
        Answer::OptionalBool(value) => some(value.map(Value::Bool)),
        Answer::Bools(values) => Value::List(values.into_iter().map(Value::Bool).collect()),
        Answer::Index(index) => int(index),
        Answer::OptionalIndex(index) => some(index.map(int)),
        Answer::Hash(hash) => hash_value(hash),
        Answer::Amount(amount) => Value::Amount(amount.attos()),
        Answer::Timestamp(timestamp) => Value::Int(timestamp.micros()),
        Answer::BlockHeight(height) => Value::Int(height.0),
        Answer::ChainId(chain) => hash_value(chain.0),
        Answer::OptionalChainId(chain) => some(chain.map(|chain| hash_value(chain.0))),
        Answer::ApplicationId(application) => hash_value(application.0),
        Answer::OptionalApplicationId(application) => {
            some(application.map(|application| hash_value(application.0)))
        }
        Answer::ModuleId(module) => module_value(module),
        Answer::ApplicationDescription(description) => description_value(*description),
        Answer::Owner(owner) => some(owner.map(owner_value)),
        Answer::Owners(owners) => Value::List(owners.into_iter().map(owner_value).collect()),
        Answer::Balances(balances) => {
            Value::List(balances.into_iter().map(balance_value).collect())
        }
        Answer::ChainOwnership(ownership) => ownership_value(&ownership),
        Answer::ApplicationPermissions(permissions) => permissions_value(&permissions),
        Answer::HttpResponse(response) => http_response_value(*response),
        Answer::Bytes(bytes) => Value::Bytes(bytes),
        Answer::Value(value) => some(value.map(Value::Bytes)),
        Answer::Values(values) => {
            let values = values
                .into_iter()
                .map(|value| some(value.map(Value::Bytes)));
            Value::List(values.collect())
        }
        Answer::Keys(keys) => list(keys),
        Answer::KeyValues(pairs) => Value::List(pairs.into_iter().map(key_value).collect()),
        Answer::Permitted(true) => Value::Variant(0, None),
        Answer::Permitted(false) => tagged(1, Value::Variant(0, None)),
    })
}

fn description_value(description: ApplicationDescription) -> Value {
    Value::Record(vec![
        module_value(description.module_id),
        hash_value(description.creator_chain_id.0),
        Value::Int(description.block_height.0),
        Value::Int(u64::from(description.application_index)),
        Value::Bytes(description.parameters),
        applications_value(&description.required_application_ids),
    ])
}
