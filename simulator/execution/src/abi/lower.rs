//! From values to a guest's memory.
//!
//! Memory for what a value points to is the guest's to give. So a value is laid out first, as parts
//! whose addresses are open; each part is allocated by the guest, parts that are pointed to before
//! those that point, and is written with the addresses in place.

use super::{Type, Value};

/// One allocation: bytes, and where addresses of earlier parts belong in them.
struct Part {
    alignment: u32,
    bytes: Vec<u8>,
    /// (offset in these bytes, which part's address goes there)
    pointers: Vec<(usize, usize)>,
}

/// A value, laid out in parts.
pub(crate) struct Lower {
    parts: Vec<Part>,
}

impl Lower {
    /// Lays out values of these types as one record, which is the last part.
    ///
    /// # Panics
    /// If a value is not of its type: an answer of another kind, a mistake of the host.
    pub(crate) fn record(types: &[Type], values: &[Value]) -> Self {
        assert_eq!(types.len(), values.len(), "a value for every type");
        let mut lower = Self { parts: Vec::new() };
        let alignment = types.iter().map(Type::alignment).max().unwrap_or(1);
        let mut part = Part::new(alignment);
        for (ty, value) in types.iter().zip(values) {
            part.align(ty.alignment());
            lower.store(&mut part, ty, value);
        }
        part.align(alignment);
        lower.parts.push(part);
        lower
    }

    /// How many bytes all parts have together.
    pub(crate) fn size(&self) -> u64 {
        let length = |part: &Part| u64::try_from(part.bytes.len()).expect("a length");
        self.parts.iter().map(length).sum()
    }

    /// Sizes and alignments of the parts but the last one, in order; `None` if one is too large for
    /// any guest.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Option<u32>, u32)> {
        let but_last = self.parts.len() - 1;
        let parts = self.parts[..but_last].iter();
        parts.map(|part| (u32::try_from(part.bytes.len()).ok(), part.alignment))
    }

    /// Size and alignment of the last part, which is the record.
    pub(crate) fn head(&self) -> (u32, u32) {
        let head = self.parts.last().expect("a record is a part");
        let size = u32::try_from(head.bytes.len()).expect("records are small");
        (size, head.alignment)
    }

    /// Writes all parts, those but the last at these addresses, and the record at `head` if that is
    /// given. Returns the record's bytes, or `None` if a part does not lie in the memory.
    pub(crate) fn write(
        mut self,
        memory: &mut [u8],
        addresses: &[u32],
        head: Option<u32>,
    ) -> Option<Vec<u8>> {
        for part in &mut self.parts {
            for (offset, target) in &part.pointers {
                let target = addresses[*target].to_le_bytes();
                part.bytes[*offset..offset + 4].copy_from_slice(&target);
            }
        }
        let record = self.parts.pop().expect("a record is a part");
        assert_eq!(addresses.len(), self.parts.len(), "an address a part");
        for (part, address) in self.parts.iter().zip(addresses) {
            part.write(memory, *address)?;
        }
        if let Some(address) = head {
            record.write(memory, address)?;
        }
        Some(record.bytes)
    }

    fn store(&mut self, part: &mut Part, ty: &Type, value: &Value) {
        match (ty, value) {
            (Type::Bool, Value::Bool(value)) => part.push(&[u8::from(*value)]),
            (Type::U8, Value::Int(value)) => part.push(&value.to_le_bytes()[..1]),
            (Type::U16, Value::Int(value)) => part.push(&value.to_le_bytes()[..2]),
            (Type::U32, Value::Int(value)) => part.push(&value.to_le_bytes()[..4]),
            (Type::U64, Value::Int(value)) => part.push(&value.to_le_bytes()),
            (Type::Hash, Value::Hash(bytes)) => {
                for word in bytes.chunks_exact(8) {
                    let reversed: Vec<u8> = word.iter().rev().copied().collect();
                    part.push(&reversed);
                }
            }
            (Type::Amount, Value::Amount(value)) => part.push(&value.to_le_bytes()),
            (Type::Text, Value::Text(text)) => self.bytes(part, text.as_bytes().to_vec()),
            (Type::Bytes, Value::Bytes(bytes)) => self.bytes(part, bytes.clone()),
            (Type::List(element), Value::List(values)) => {
                let mut elements = Part::new(element.alignment());
                for value in values {
                    self.store(&mut elements, element, value);
                }
                self.point(part, elements, values.len());
            }
            (Type::Record(fields), Value::Record(values)) => {
                assert_eq!(fields.len(), values.len(), "a value for every field");
                for (field, value) in fields.iter().zip(values) {
                    part.align(field.alignment());
                    self.store(part, field, value);
                }
                part.align(ty.alignment());
            }
            (Type::Option(payload), Value::Option(value)) => {
                let tag = u32::from(value.is_some());
                let payload = value.as_deref().map(|value| (*payload, value));
                self.tagged(part, ty, tag, payload);
            }
            (Type::Variant(cases), Value::Variant(tag, value)) => {
                let case = usize::try_from(*tag).expect("few cases");
                let case = cases[case].as_ref();
                assert_eq!(case.is_some(), value.is_some(), "a payload if there is one");
                self.tagged(part, ty, *tag, case.zip(value.as_deref()));
            }
            (ty, value) => panic!("an answer of another kind: {value:?} is no {ty:?}"),
        }
    }

    fn tagged(&mut self, part: &mut Part, ty: &Type, tag: u32, payload: Option<(&Type, &Value)>) {
        let size = usize::try_from(ty.size()).expect("types are small");
        let offset = usize::try_from(ty.payload_offset()).expect("types are small");
        let start = part.bytes.len();
        part.push(&tag.to_le_bytes()[..1]);
        if let Some((ty, value)) = payload {
            part.bytes.resize(start + offset, 0);
            self.store(part, ty, value);
        }
        part.bytes.resize(start + size, 0);
    }

    fn bytes(&mut self, part: &mut Part, bytes: Vec<u8>) {
        let length = bytes.len();
        let mut pointed = Part::new(1);
        pointed.bytes = bytes;
        self.point(part, pointed, length);
    }

    /// Puts an address and a count into `part`.
    fn point(&mut self, part: &mut Part, pointed: Part, count: usize) {
        part.pointers.push((part.bytes.len(), self.parts.len()));
        self.parts.push(pointed);
        part.push(&[0; 4]);
        // A count that needs more bits belongs to a part that no guest has room for.
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        part.push(&count.to_le_bytes());
    }
}

impl Part {
    const fn new(alignment: u32) -> Self {
        Self {
            alignment,
            bytes: Vec::new(),
            pointers: Vec::new(),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn write(&self, memory: &mut [u8], address: u32) -> Option<()> {
        let start = usize::try_from(address).ok()?;
        let end = start.checked_add(self.bytes.len())?;
        memory.get_mut(start..end)?.copy_from_slice(&self.bytes);
        Some(())
    }

    fn align(&mut self, alignment: u32) {
        let alignment = usize::try_from(alignment).expect("at most 8");
        let end = self.bytes.len().next_multiple_of(alignment);
        self.bytes.resize(end, 0);
    }
}
