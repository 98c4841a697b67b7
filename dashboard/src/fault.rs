//! Why a request gets no page, and how that is answered: to people as a page, to programs as JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use catalog::{CatalogError, NotATime};
use maud::html;
use serde_json::json;

use crate::page::shell::{Tab, shell};
use crate::site::FigureError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("there is no such {what}")]
    NotFound { what: &'static str },

    #[error("{text}")]
    Wrong { text: String },

    #[error("{text}")]
    Nothing { text: String },

    #[error("others are downloading; try again in a minute")]
    Busy,

    #[error(transparent)]
    Catalog(#[from] CatalogError),

    #[error(transparent)]
    Figure(#[from] FigureError),

    #[error("a page cannot be packed")]
    Packing(#[from] std::io::Error),
}

pub(crate) type Made<T> = Result<T, Fault>;

impl From<NotATime> for Fault {
    fn from(error: NotATime) -> Self {
        Self::Wrong { text: error.to_string() }
    }
}

impl Fault {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound { .. } | Self::Nothing { .. } => StatusCode::NOT_FOUND,
            Self::Wrong { .. } => StatusCode::BAD_REQUEST,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Catalog(_) | Self::Figure(_) | Self::Packing(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Tells whoever asked; what is the server's own fault is told in full by the log alone.
    fn told(&self) -> String {
        match self {
            Self::NotFound { .. } | Self::Wrong { .. } | Self::Nothing { .. } | Self::Busy => {
                self.to_string()
            }
            Self::Catalog(_) | Self::Figure(_) | Self::Packing(_) => {
                "the server cannot tell; its log says why".to_owned()
            }
        }
    }

    pub(crate) fn log(&self) {
        if self.status() == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = self as &dyn std::error::Error, "a page cannot be made");
        }
    }

    pub(crate) fn page(&self) -> Response {
        self.log();
        let body =
            html! { h1 { "That did not work" } p { (self.told()) } p { a href="/" { "Back to today" } } };
        (self.status(), [(CACHE_CONTROL, "no-store")], shell("That did not work", Tab::None, &body))
            .into_response()
    }

    pub(crate) fn json(&self) -> Response {
        self.log();
        (self.status(), [(CACHE_CONTROL, "no-store")], Json(json!({ "error": self.told() }))).into_response()
    }
}
