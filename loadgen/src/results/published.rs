//! A figure that somebody published, beside what the model says and what this run measured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedRow {
    /// The scenario that stands for the publication.
    pub table: String,
    pub case: String,
    pub figure: String,
    pub unit: String,
    /// As printed; absent where the source says nothing of it.
    pub published: Option<Quoted>,
    pub model: Option<f64>,
    pub measured: Option<f64>,
    /// Most that measured may differ from the model, in the unit of both; absent = not judged.
    pub tolerance: Option<f64>,
    /// `None` where nothing was measured or nothing is judged.
    pub within: Option<bool>,
    pub note: Option<String>,
}

/// A number, or the words in which it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Quoted {
    Number(f64),
    Words(String),
}

impl PublishedRow {
    pub fn new(case: impl Into<String>, figure: &str, unit: &str) -> PublishedRow {
        PublishedRow {
            table: String::new(),
            case: case.into(),
            figure: figure.to_owned(),
            unit: unit.to_owned(),
            published: None,
            model: None,
            measured: None,
            tolerance: None,
            within: None,
            note: None,
        }
    }

    pub fn published(mut self, number: f64) -> Self {
        self.published = Some(Quoted::Number(number));
        self
    }

    pub fn quoted(mut self, words: &str) -> Self {
        self.published = Some(Quoted::Words(words.to_owned()));
        self
    }

    pub fn model(mut self, model: f64) -> Self {
        self.model = Some(model);
        self
    }

    pub fn measured(mut self, measured: Option<f64>) -> Self {
        self.measured = measured;
        self
    }

    /// Judges what was measured against the model; both must have been given before.
    pub fn within(mut self, tolerance: f64) -> Self {
        // What binary fractions lose must not spoil a tolerance of 0.
        let allowed = tolerance + 1e-9;
        self.within = (self.measured.zip(self.model))
            .map(|(measured, model)| (measured - model).abs() <= allowed);
        self.tolerance = Some(tolerance);
        self
    }

    pub fn within_share(self, share: f64) -> Self {
        let model = self.model.unwrap_or(0.0).abs();
        self.within(model * share)
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_judged_by_its_model_and_not_by_what_was_published() {
        let row = |measured| {
            PublishedRow::new("a", "headers", "B")
                .published(871.0)
                .model(909.0)
                .measured(measured)
        };
        assert_eq!(row(Some(909.0)).within(0.0).within, Some(true));
        assert_eq!(row(Some(909.1)).within(0.0).within, Some(false));
        assert_eq!(row(Some(913.0)).within_share(0.005).within, Some(true));
        assert_eq!(row(None).within(1.0).within, None);
        assert_eq!(row(Some(1.0)).within, None);
    }
}
