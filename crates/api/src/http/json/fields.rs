//! Which fields a type reads, so that a test can hold them against the published list.

#[cfg(test)]
pub(crate) use reader::names;

#[cfg(test)]
mod reader {
    use serde::de::{Deserialize, Deserializer, Error as _, Visitor};

    /// The names of the fields that a struct reads.
    pub(crate) fn names<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
        let mut found: &'static [&'static str] = &[];
        // The reader always fails after it has seen the names.
        let _ = T::deserialize(NameReader(&mut found));
        found
    }

    struct NameReader<'a>(&'a mut &'static [&'static str]);

    impl<'de> Deserializer<'de> for NameReader<'_> {
        type Error = serde::de::value::Error;

        fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
            Err(Self::Error::custom("only structs have fields"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _name: &'static str,
            fields: &'static [&'static str],
            _visitor: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = fields;
            Err(Self::Error::custom("the fields are known"))
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }
}
