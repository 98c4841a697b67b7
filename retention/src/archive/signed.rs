//! Requests of our own, signed with the credentials of a store: for what the object store's interface does not offer.

use std::sync::Arc;

use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::azure::{AzureAuthorizer, MicrosoftAzure};
use object_store::client::{HttpRequest, HttpRequestBody};
use object_store::gcp::GoogleCloudStorage;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode};
use url::Url;

use super::ArchiveError;

/// Whose way of signing it is.
pub(super) enum Signer {
    Amazon { store: Arc<AmazonS3>, region: String },
    Google { store: Arc<GoogleCloudStorage> },
    Azure { store: Arc<MicrosoftAzure>, account: String },
}

/// Asks a bucket.
pub(super) struct Asker {
    signer: Signer,
    /// Up to the bucket, with a slash at its end.
    bucket: String,
    client: Client,
}

#[derive(Default)]
pub(super) struct Ask<'a> {
    /// For errors: `look at`.
    pub(super) doing: &'static str,
    pub(super) method: Method,
    /// Nothing for the bucket itself.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a [(&'static str, &'static str)],
    pub(super) body: String,
}

/// What a server says of an object.
pub(super) struct ObjectHeaders(HeaderMap);

impl ObjectHeaders {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Asker {
    pub(super) fn new(signer: Signer, endpoint: &str, bucket: &str) -> Self {
        Self { signer, bucket: format!("{endpoint}/{bucket}/"), client: Client::new() }
    }

    /// Returns whatever the server answers, also where it refuses.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Response, ArchiveError> {
        let Ask { doing, path, .. } = ask;
        let mut signed = HttpRequest::new(HttpRequestBody::from(ask.body.clone()));
        *signed.method_mut() = ask.method.clone();
        *signed.uri_mut() =
            self.url(&ask).as_str().parse().map_err(|_| ArchiveError::Absent { key: path.to_owned() })?;
        for (name, value) in ask.headers {
            signed.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        let sign = self.signer.sign(&mut signed).await;
        sign.map_err(|source| ArchiveError::of_store(doing, path, source))?;
        // A signature may have become part of the address.
        let request = self.client.request(ask.method, signed.uri().to_string());
        let sent = request.headers(signed.headers().clone()).body(ask.body).send().await;
        let failed = |source: reqwest::Error| ArchiveError::Request {
            doing,
            key: path.to_owned(),
            source: source.without_url(),
        };
        sent.map_err(failed)
    }

    /// Returns what the server says of an object.
    pub(super) async fn look_at(&self, path: &str) -> Result<ObjectHeaders, ArchiveError> {
        let doing = "look at";
        let answer = self.ask(Ask { doing, method: Method::HEAD, path, ..Ask::default() }).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(ArchiveError::Absent { key: path.to_owned() });
        }
        Ok(ObjectHeaders(accepted(answer, doing, path).await?.headers().clone()))
    }

    fn url(&self, ask: &Ask<'_>) -> Url {
        let text = format!("{}{}", self.bucket, ask.path);
        let mut url = Url::parse(&text).expect("endpoint, bucket and key were checked with the settings");
        url.set_query(Some(ask.query).filter(|query| !query.is_empty()));
        url
    }
}

impl Signer {
    async fn sign(&self, request: &mut HttpRequest) -> Result<(), object_store::Error> {
        match self {
            Self::Amazon { store, region } => {
                let credential = store.credentials().get_credential().await?;
                AwsAuthorizer::new(&credential, "s3", region).try_authorize(request, None)
            }
            Self::Google { store } => {
                let credential = store.credentials().get_credential().await?;
                let unfit = |source| object_store::Error::Generic { store: "GCS", source: Box::new(source) };
                let bearer =
                    HeaderValue::from_str(&format!("Bearer {}", credential.bearer)).map_err(unfit)?;
                request.headers_mut().insert(AUTHORIZATION, bearer);
                Ok(())
            }
            Self::Azure { store, account } => {
                let credential = store.credentials().get_credential().await?;
                AzureAuthorizer::new(&credential, account).try_authorize(request)
            }
        }
    }
}

/// Returns the answer where it is no refusal.
pub(super) async fn accepted(
    answer: Response,
    doing: &'static str,
    path: &str,
) -> Result<Response, ArchiveError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let text: String = answer.text().await.unwrap_or_default().chars().take(500).collect();
    Err(ArchiveError::Answered { doing, key: path.to_owned(), status: status.as_u16(), text })
}
