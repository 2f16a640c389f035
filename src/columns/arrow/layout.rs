//! The Arrow types of columns.

use arrow_schema::{DataType, TimeUnit};

use crate::columns::kind::Type;

/// The Arrow layout of a string column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextLayout {
    #[default]
    Utf8,
    LargeUtf8,
    Utf8View,
    /// 32-bit codes, with each distinct string stored once per batch.
    Dictionary,
}

impl TextLayout {
    /// Returns the layout for an Arrow type, or `None` if it is not a string type.
    #[must_use]
    pub fn of(kind: &DataType) -> Option<Self> {
        match kind {
            DataType::Utf8 => Some(Self::Utf8),
            DataType::LargeUtf8 => Some(Self::LargeUtf8),
            DataType::Utf8View => Some(Self::Utf8View),
            DataType::Dictionary(key, value) if **key == DataType::Int32 && **value == DataType::Utf8 => {
                Some(Self::Dictionary)
            }
            _ => None,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Utf8 => DataType::Utf8,
            Self::LargeUtf8 => DataType::LargeUtf8,
            Self::Utf8View => DataType::Utf8View,
            Self::Dictionary => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        }
    }
}

/// Returns the Arrow type of a column. `texts` is the layout of its strings.
pub(super) fn data_type(kind: Type, texts: TextLayout) -> DataType {
    match kind {
        Type::Bool => DataType::Boolean,
        Type::Int => DataType::Int64,
        Type::Float => DataType::Float64,
        Type::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        Type::Date => DataType::Date32,
        Type::Text => texts.data_type(),
        Type::List if texts == TextLayout::Utf8View => DataType::new_list(DataType::Utf8View, true),
        Type::List => DataType::new_list(DataType::Utf8, true),
    }
}
