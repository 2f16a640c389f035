//! Ids that are validated once, when they are parsed.

use std::fmt;

use uuid::Uuid;

use crate::error::{Error, shown};

/// The id of a project in ACC, BIM 360 or Forma.
///
/// The Assets API accepts a bare UUID, or the UUID prefixed with `b.`. The Relationship API accepts only the bare UUID,
/// as its container id (POST relationships:delete reference page). Therefore the bare form is stored and sent
/// everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProjectId(Uuid);

impl ProjectId {
    /// Parses `f6a1e3b5-abaa-4b01-b33a-5d55f36ba047` or `b.f6a1e3b5-abaa-4b01-b33a-5d55f36ba047`.
    ///
    /// The prefix is exactly the two characters `b.`: trimming letters would damage a UUID that begins with b.
    ///
    /// # Errors
    /// [`Error::Option`] if the string has neither form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bare = text.strip_prefix("b.").unwrap_or(text);
        match Uuid::try_parse(bare) {
            Ok(id) if bare.len() == 36 => Ok(Self(id)),
            _ => Err(Error::Option(format!(
                "`{}` is not a project id: {}. Use a UUID such as f6a1e3b5-abaa-4b01-b33a-5d55f36ba047, \
                    with or without the prefix `b.`; it is in the URL of the project in the browser",
                shown(text),
                typo(bare)
            ))),
        }
    }
}

/// Returns why a string is not a UUID.
fn typo(text: &str) -> String {
    let digits = text.chars().filter(|character| *character != '-').count();
    match text
        .chars()
        .find(|character| !character.is_ascii_hexdigit() && *character != '-')
    {
        Some(other) => format!("it contains '{}'", shown(&other.to_string())),
        None if digits != 32 => format!("it has {digits} digits instead of 32"),
        None => "its dashes are in the wrong places".to_owned(),
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::ProjectId;

    #[test]
    fn both_forms_are_the_same_project() {
        let bare = ProjectId::parse("b6a1e3b5-abaa-4b01-b33a-5d55f36ba047").unwrap();
        let prefixed = ProjectId::parse("b.b6a1e3b5-abaa-4b01-b33a-5d55f36ba047").unwrap();
        assert_eq!(bare, prefixed);
        assert_eq!(bare.to_string(), "b6a1e3b5-abaa-4b01-b33a-5d55f36ba047");
    }

    #[test]
    fn a_typo_is_named_in_the_error() {
        for (typo, says) in [
            ("", "has 0 digits"),
            ("b.", "has 0 digits"),
            ("b.b.f6a1e3b5-abaa-4b01-b33a-5d55f36ba047", "contains '.'"),
            ("f6a1e3b5abaa4b01b33a5d55f36ba047", "dashes"),
            ("f6a1e3b5-abaa-4b01-b33a-5d55f36ba04", "has 31 digits"),
            ("f6a1e3b5-abaa-4b01-b33a-5d55f36ba04O", "contains 'O'"),
            ("f6a1e3b5-abaa-4b01-b33a-5d55f36ba04\u{301}", "contains '\u{301}'"),
        ] {
            let error = ProjectId::parse(typo).unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{typo}`")) && error.contains(says),
                "{error}"
            );
        }
    }
}
