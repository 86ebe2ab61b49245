//! The deserializer behind [`super::decode`]: a JSON value with Go's leniency.

use super::tree::Tree;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::Error;

/// A JSON value that is decoded as Go does.
pub(super) struct GoValue(pub(super) Tree);

/// Methods for the types whose `null` is their zero value in Go.
macro_rules! null_is_zero {
    ($($method:ident => $visit:ident($zero:expr);)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if matches!(self.0, Tree::Null) { visitor.$visit($zero) } else { self.deserialize_any(visitor) }
        })*
    };
}

impl<'de> Deserializer<'de> for GoValue {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(value),
            Tree::Unsigned(value) => visitor.visit_u64(value),
            Tree::Signed(value) => visitor.visit_i64(value),
            Tree::Float(value) => visitor.visit_f64(value),
            Tree::Text(value) => visitor.visit_string(value),
            Tree::List(items) => visitor.visit_seq(Items(items.into_iter())),
            Tree::Object(fields) => visitor.visit_map(Entries { rest: fields.into_iter(), value: None }),
        }
    }

    null_is_zero! {
        deserialize_bool => visit_bool(false);
        deserialize_i8 => visit_i8(0);
        deserialize_i16 => visit_i16(0);
        deserialize_i32 => visit_i32(0);
        deserialize_i64 => visit_i64(0);
        deserialize_u8 => visit_u8(0);
        deserialize_u16 => visit_u16(0);
        deserialize_u32 => visit_u32(0);
        deserialize_u64 => visit_u64(0);
        deserialize_f64 => visit_f64(0.0);
        deserialize_str => visit_str("");
        deserialize_string => visit_str("");
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if matches!(self.0, Tree::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if matches!(self.0, Tree::Null) {
            visitor.visit_seq(Items(Vec::new().into_iter()))
        } else {
            self.deserialize_any(visitor)
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Tree::Null => visitor.visit_map(Entries { rest: Vec::new().into_iter(), value: None }),
            other => Self(other).deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Tree::Null => visitor.visit_map(Fields { rest: Vec::new().into_iter(), value: None }),
            Tree::Object(fields) => {
                visitor.visit_map(Fields { rest: canonical(fields, names).into_iter(), value: None })
            }
            Tree::List(_) => Err(Error::custom("cannot unmarshal array into an object")),
            other => Self(other).deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Tree::Text(word) => visitor.visit_enum(Word(word)),
            other => Self(other).deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 char bytes byte_buf unit unit_struct tuple_struct identifier
    }
}

/// The fields of an object under the names that the type knows, each once, the last one winning;
/// a field of the exact name wins over one in another case only by coming later, as in Go.
fn canonical(fields: Vec<(String, Tree)>, names: &'static [&'static str]) -> Vec<(&'static str, Tree)> {
    let mut known: Vec<(&'static str, Tree)> = Vec::with_capacity(fields.len());
    for (key, value) in fields {
        let name = names
            .iter()
            .find(|name| **name == key)
            .or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(&key)));
        let Some(name) = name.filter(|_| !matches!(value, Tree::Null)) else { continue };
        match known.iter_mut().find(|(seen, _)| seen == name) {
            Some(slot) => slot.1 = value,
            None => known.push((name, value)),
        }
    }
    known
}

/// Fields of a struct.
struct Fields {
    rest: std::vec::IntoIter<(&'static str, Tree)>,
    value: Option<(&'static str, Tree)>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.value = self.rest.next();
        match &self.value {
            Some((name, _)) => {
                seed.deserialize(serde::de::value::BorrowedStrDeserializer::new(name)).map(Some)
            }
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let (name, value) = self.value.take().ok_or_else(|| Error::custom("a value without a key"))?;
        seed.deserialize(GoValue(value)).map_err(|error| within(name, &error))
    }
}

/// Entries of a map, whose keys are data.
struct Entries {
    rest: std::vec::IntoIter<(String, Tree)>,
    value: Option<(String, Tree)>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.value = self.rest.next();
        match &self.value {
            Some((name, _)) => seed.deserialize(serde::de::value::StrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let (name, value) = self.value.take().ok_or_else(|| Error::custom("a value without a key"))?;
        seed.deserialize(GoValue(value)).map_err(|error| within(&name, &error))
    }
}

/// Items of a list.
struct Items(std::vec::IntoIter<Tree>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.0.next().map(|value| seed.deserialize(GoValue(value))).transpose()
    }
}

/// An enum that is a word.
struct Word(String);

impl<'de> EnumAccess<'de> for Word {
    type Error = Error;
    type Variant = Unit;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Unit), Error> {
        let value = seed.deserialize(serde::de::value::StrDeserializer::<Error>::new(&self.0))?;
        Ok((value, Unit))
    }
}

struct Unit;

impl<'de> VariantAccess<'de> for Unit {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _seed: S) -> Result<S::Value, Error> {
        Err(Error::custom("a word was expected"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("a word was expected"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        Err(Error::custom("a word was expected"))
    }
}

/// Puts the name of the field before the message: `HostConfig.Memory: …`.
fn within(name: &str, error: &Error) -> Error {
    let text = error.to_string();
    let dotted = text.split(':').next().is_some_and(|head| !head.contains(' ') && text.contains(": "));
    Error::custom(if dotted { format!("{name}.{text}") } else { format!("{name}: {text}") })
}
