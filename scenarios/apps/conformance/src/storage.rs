//! Reading the storage of an application, which contracts and services do in the same way.

use linera_sdk::{KeyValueStore, views::linera_views::store::ReadableKeyValueStore};

use crate::{Answer, Base};

/// Makes a call that reads storage, or gives it back if it is another one.
///
/// # Errors
/// The call, if it reads no storage.
///
/// # Panics
/// If a key is longer than the SDK permits, 900 bytes.
pub async fn read(storage: &KeyValueStore, call: Base) -> Result<Answer, Base> {
    const SHORT: &str = "a key is short enough";
    let answer = match call {
        Base::ContainsKey(key) => Answer::Flag(storage.contains_key(&key).await.expect(SHORT)),
        Base::ContainsKeys(keys) => Answer::Flags(storage.contains_keys(&keys).await.expect(SHORT)),
        Base::ReadValueBytes(key) => {
            Answer::Value(storage.read_value_bytes(&key).await.expect(SHORT))
        }
        Base::ReadMultiValuesBytes(keys) => {
            Answer::Values(storage.read_multi_values_bytes(&keys).await.expect(SHORT))
        }
        Base::FindKeys(prefix) => {
            Answer::Keys(storage.find_keys_by_prefix(&prefix).await.expect(SHORT))
        }
        Base::FindKeyValues(prefix) => Answer::KeyValues(
            storage
                .find_key_values_by_prefix(&prefix)
                .await
                .expect(SHORT),
        ),
        other => return Err(other),
    };
    Ok(answer)
}
