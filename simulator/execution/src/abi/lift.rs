//! From a guest's memory and parameters to values. Nothing that a guest passes is trusted.

use super::{Type, Value};

/// What is wrong with what a guest passed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) String);

/// Reads the memory of a guest, and keeps account of how much it hands out: parts may overlap, so the
/// size of the memory bounds nothing.
pub(crate) struct Lift<'a> {
    memory: &'a [u8],
    budget: u64,
}

impl<'a> Lift<'a> {
    /// Reads `memory`, and hands out values of at most `budget` bytes.
    pub(crate) const fn new(memory: &'a [u8], budget: u64) -> Self {
        Self { memory, budget }
    }

    /// What is left of the budget.
    pub(crate) const fn budget(&self) -> u64 {
        self.budget
    }

    /// The values of these types among parameters.
    pub(crate) fn params(&mut self, types: &[Type], flat: &[u64]) -> Result<Vec<Value>, Malformed> {
        let mut flat = flat.iter().copied();
        let values = types.iter().map(|ty| self.flat(ty, &mut flat));
        values.collect()
    }

    /// The values of these types, one after the other at an address.
    pub(crate) fn record(&mut self, types: &[Type], address: u32) -> Result<Vec<Value>, Malformed> {
        let mut offset = 0;
        let mut values = Vec::with_capacity(types.len());
        for ty in types {
            offset = super::align(offset, ty.alignment());
            values.push(self.load(ty, u64::from(address) + u64::from(offset))?);
            offset += ty.size();
        }
        Ok(values)
    }

    fn flat(&mut self, ty: &Type, flat: &mut dyn Iterator<Item = u64>) -> Result<Value, Malformed> {
        let mut next = || flat.next().expect("as many as the signature has");
        match ty {
            Type::Bool => Ok(Value::Bool(low32(next()) != 0)),
            Type::U8 => Ok(Value::Int(next() & 0xff)),
            Type::U16 => Ok(Value::Int(next() & 0xffff)),
            Type::U32 => Ok(Value::Int(u64::from(low32(next())))),
            Type::U64 => Ok(Value::Int(next())),
            Type::Hash => Ok(hash([next(), next(), next(), next()])),
            Type::Amount => Ok(amount([next(), next()])),
            Type::Text | Type::Bytes | Type::List(_) => {
                let (address, length) = (low32(next()), low32(next()));
                self.list(ty, address, length)
            }
            Type::Record(fields) => {
                let values = fields.iter().map(|field| self.flat(field, flat));
                Ok(Value::Record(values.collect::<Result<_, _>>()?))
            }
            Type::Option(payload) => {
                let is_some = match low32(next()) {
                    0 => false,
                    1 => true,
                    tag => return Err(no_case(tag, 2)),
                };
                let mut words = payload
                    .flat()
                    .into_iter()
                    .map(|_| next())
                    .collect::<Vec<_>>();
                let value = is_some.then(|| self.flat(payload, &mut words.drain(..)));
                Ok(Value::Option(value.transpose()?.map(Box::new)))
            }
            Type::Variant(cases) => {
                let tag = low32(next());
                let payload = case(cases, tag)?;
                let width = ty.flat().len() - 1;
                let mut words = (0..width).map(|_| next()).collect::<Vec<_>>();
                let value = payload.map(|payload| self.flat(payload, &mut words.drain(..)));
                Ok(Value::Variant(tag, value.transpose()?.map(Box::new)))
            }
        }
    }

    fn load(&mut self, ty: &Type, address: u64) -> Result<Value, Malformed> {
        if !address.is_multiple_of(u64::from(ty.alignment())) {
            let alignment = ty.alignment();
            let reason = format!("the address {address} is no multiple of {alignment}");
            return Err(Malformed(reason));
        }
        match ty {
            Type::Bool => Ok(Value::Bool(self.word::<1>(address)? != 0)),
            Type::U8 => Ok(Value::Int(self.word::<1>(address)?)),
            Type::U16 => Ok(Value::Int(self.word::<2>(address)?)),
            Type::U32 => Ok(Value::Int(self.word::<4>(address)?)),
            Type::U64 => Ok(Value::Int(self.word::<8>(address)?)),
            Type::Hash => {
                let mut words = [0; 4];
                for (index, word) in (0..).zip(&mut words) {
                    *word = self.word::<8>(address + 8 * index)?;
                }
                Ok(hash(words))
            }
            Type::Amount => Ok(amount([
                self.word::<8>(address)?,
                self.word::<8>(address + 8)?,
            ])),
            Type::Text | Type::Bytes | Type::List(_) => {
                let pair = [self.word::<4>(address)?, self.word::<4>(address + 4)?];
                self.list(ty, low32(pair[0]), low32(pair[1]))
            }
            Type::Record(fields) => {
                let mut end = address;
                let mut values = Vec::with_capacity(fields.len());
                for field in *fields {
                    end = end.next_multiple_of(u64::from(field.alignment()));
                    values.push(self.load(field, end)?);
                    end += u64::from(field.size());
                }
                Ok(Value::Record(values))
            }
            Type::Option(payload) => {
                let offset = u64::from(ty.payload_offset());
                let value = match self.word::<1>(address)? {
                    0 => None,
                    1 => Some(Box::new(self.load(payload, address + offset)?)),
                    tag => return Err(no_case(low32(tag), 2)),
                };
                Ok(Value::Option(value))
            }
            Type::Variant(cases) => {
                let tag = low32(self.word::<1>(address)?);
                let payload = case(cases, tag)?;
                let at = address + u64::from(ty.payload_offset());
                let value = payload.map(|payload| self.load(payload, at)).transpose()?;
                Ok(Value::Variant(tag, value.map(Box::new)))
            }
        }
    }

    fn list(&mut self, ty: &Type, address: u32, length: u32) -> Result<Value, Malformed> {
        let (address, count) = (u64::from(address), u64::from(length));
        match ty {
            Type::Bytes => {
                self.spend(count)?;
                Ok(Value::Bytes(self.bytes(address, count)?.to_vec()))
            }
            Type::Text => {
                self.spend(count)?;
                let bytes = self.bytes(address, count)?;
                let text = std::str::from_utf8(bytes)
                    .map_err(|error| Malformed(format!("a text is not UTF-8: {error}")))?;
                Ok(Value::Text(text.to_owned()))
            }
            Type::List(element) => {
                let size = u64::from(element.size());
                self.bytes(address, count * size)?;
                self.spend(count * Value::WEIGHT)?;
                let mut values = Vec::new();
                for index in 0..count {
                    values.push(self.load(element, address + index * size)?);
                }
                Ok(Value::List(values))
            }
            Type::Bool
            | Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::Hash
            | Type::Amount
            | Type::Record(_)
            | Type::Option(_)
            | Type::Variant(_) => unreachable!("no list"),
        }
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Malformed> {
        let left = self.budget.checked_sub(bytes);
        self.budget = left.ok_or_else(|| Malformed("too much is passed at once".to_owned()))?;
        Ok(())
    }

    fn word<const N: usize>(&self, address: u64) -> Result<u64, Malformed> {
        let width = u64::try_from(N).expect("a few bytes");
        let mut word = [0; 8];
        word[..N].copy_from_slice(self.bytes(address, width)?);
        Ok(u64::from_le_bytes(word))
    }

    fn bytes(&self, address: u64, length: u64) -> Result<&'a [u8], Malformed> {
        let range = usize::try_from(address)
            .ok()
            .zip(usize::try_from(length).ok());
        range
            .and_then(|(start, length)| self.memory.get(start..start.checked_add(length)?))
            .ok_or_else(|| {
                let size = self.memory.len();
                Malformed(format!(
                    "{length} bytes at {address} do not lie in a memory of {size}"
                ))
            })
    }
}

fn case(cases: &'static [Option<Type>], tag: u32) -> Result<Option<&'static Type>, Malformed> {
    let index = usize::try_from(tag).ok();
    let case = index.and_then(|index| cases.get(index));
    case.map(Option::as_ref)
        .ok_or_else(|| no_case(tag, cases.len()))
}

fn no_case(tag: u32, cases: usize) -> Malformed {
    Malformed(format!("there is no case {tag} among {cases}"))
}

fn low32(word: u64) -> u32 {
    u32::try_from(word & 0xffff_ffff).expect("masked")
}

fn hash(words: [u64; 4]) -> Value {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
        chunk.copy_from_slice(&word.to_be_bytes());
    }
    Value::Hash(bytes)
}

fn amount([lower, upper]: [u64; 2]) -> Value {
    Value::Amount(u128::from(upper) << 64 | u128::from(lower))
}
