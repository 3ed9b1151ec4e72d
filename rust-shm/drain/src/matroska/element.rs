//! Elements of EBML: ids, sizes and small values (RFC 8794). Nothing here looks beyond the slice that it is given.

/// The outcome of reading the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed<T> {
    /// The value, and the number of bytes that it takes.
    Value(T, usize),
    /// The bytes end too early to tell.
    Incomplete,
    /// These bytes are nothing of the kind.
    Invalid,
}

/// How many bytes an element's content has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Known(u64),
    /// Unknown: the element ends at something that cannot be inside. Live streams have such elements.
    Unknown,
}

/// The id of an element with its marker bits, as the specification prints it, and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) id: u32,
    pub(super) size: Size,
}

impl Element {
    /// The size, if it is known and at most `limit`.
    pub(super) fn len(self, limit: u64) -> Option<usize> {
        match self.size {
            Size::Known(size) if size <= limit => usize::try_from(size).ok(),
            _ => None,
        }
    }
}

/// Id and size of an element: at most 12 bytes.
pub(super) fn element(bytes: &[u8]) -> Parsed<Element> {
    let (id, id_len) = match id(bytes) {
        Parsed::Value(id, len) => (id, len),
        Parsed::Incomplete => return Parsed::Incomplete,
        Parsed::Invalid => return Parsed::Invalid,
    };
    match size(bytes.get(id_len..).unwrap_or_default()) {
        Parsed::Value(size, size_len) => Parsed::Value(Element { id, size }, id_len + size_len),
        Parsed::Incomplete => Parsed::Incomplete,
        Parsed::Invalid => Parsed::Invalid,
    }
}

fn id(bytes: &[u8]) -> Parsed<u32> {
    let Some(&first) = bytes.first() else {
        return Parsed::Incomplete;
    };
    let len = first.leading_zeros() as usize + 1;
    if len > 4 {
        return Parsed::Invalid;
    }
    match bytes.get(..len) {
        Some(id) => Parsed::Value(id.iter().fold(0, |id, &byte| id << 8 | u32::from(byte)), len),
        None => Parsed::Incomplete,
    }
}

fn size(bytes: &[u8]) -> Parsed<Size> {
    match variable_length(bytes) {
        Parsed::Value((value, all_ones), len) if value == all_ones => Parsed::Value(Size::Unknown, len),
        Parsed::Value((value, _), len) => Parsed::Value(Size::Known(value), len),
        Parsed::Incomplete => Parsed::Incomplete,
        Parsed::Invalid => Parsed::Invalid,
    }
}

/// A number whose first byte tells its length, and the largest number of that length.
pub(super) fn variable_length(bytes: &[u8]) -> Parsed<(u64, u64)> {
    let Some(&first) = bytes.first() else {
        return Parsed::Incomplete;
    };
    let len = first.leading_zeros() as usize + 1;
    if len > 8 {
        return Parsed::Invalid;
    }
    let all_ones = (1 << (7 * len)) - 1;
    match bytes.get(..len) {
        Some(number) => Parsed::Value((big_endian(number) & all_ones, all_ones), len),
        None => Parsed::Incomplete,
    }
}

/// An unsigned integer of up to 8 bytes; longer ones give their last 8.
pub(super) fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}
