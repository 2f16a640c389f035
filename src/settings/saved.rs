//! Settings that are saved as JSON.

use serde_json::{Value, json};

use super::{Content, Settings};

/// The version of the format.
const VERSION: u64 = 1;

/// The member with the version.
const MARK: &str = "acc_assets_settings";

impl Settings {
    /// Returns the settings as JSON.
    ///
    /// # Errors
    /// If they cannot be written as JSON.
    pub fn save(&self) -> Result<Vec<u8>, String> {
        let saved = json!({ MARK: VERSION, "settings": self.content() });
        serde_json::to_vec_pretty(&saved).map_err(|error| error.to_string())
    }

    /// Reads settings from JSON.
    ///
    /// # Errors
    /// A message that says why the JSON is not that of saved settings.
    pub fn of_saved(text: &[u8]) -> Result<Self, String> {
        let bad = |reason: String| format!("not settings of acc-assets: {reason}");
        let mut saved: Value = serde_json::from_slice(text).map_err(|error| bad(error.to_string()))?;
        match saved.get(MARK).and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(other) => {
                return Err(bad(format!(
                    "version {other} is not supported; this acc-assets reads version {VERSION}: use a newer acc-assets"
                )));
            }
            None => return Err(bad(format!("`{MARK}` is missing"))),
        }
        let content: Content =
            serde_json::from_value(saved["settings"].take()).map_err(|error| bad(error.to_string()))?;
        Ok(Self::new(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_settings_are_read_back_and_others_are_refused() {
        let content = Content {
            project: "p".to_owned(),
            notes: vec!["note".to_owned()],
            ..Content::default()
        };
        let saved = Settings::new(content.clone()).save().unwrap();
        assert_eq!(*Settings::of_saved(&saved).unwrap().content(), content);
        for (text, says) in [
            ("{", "not settings of acc-assets: EOF"),
            ("{}", "`acc_assets_settings` is missing"),
            (r#"{"acc_assets_settings": 2}"#, "version 2 is not supported"),
            (
                r#"{"acc_assets_settings": 1, "settings": {}}"#,
                "missing field `project`",
            ),
        ] {
            let error = Settings::of_saved(text.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
