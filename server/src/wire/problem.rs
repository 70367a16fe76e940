//! Errors as RFC 9457 problem JSON. Each carries a sentence that says what to do.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The media type of a [`Problem`] (RFC 9457 §3).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// `{"type":"about:blank","title":"Not Found","status":404,"detail":"…"}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    #[serde(rename = "type", default = "about_blank")]
    pub kind: Cow<'static, str>,
    pub title: Cow<'static, str>,
    pub status: u16,
    #[serde(default)]
    pub detail: Cow<'static, str>,
}

impl Problem {
    pub fn new(
        status: u16,
        title: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Problem {
            kind: about_blank(),
            title: title.into(),
            status,
            detail: detail.into(),
        }
    }
}

fn about_blank() -> Cow<'static, str> {
    Cow::Borrowed("about:blank")
}
