//! A client that steps up if the guard asks for it, and then calls once more.

use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::StatusExt as _;
use tower_step_up::Factor;

use crate::proto::bank_client::BankClient;
use crate::proto::{Balance, BalanceRequest, Movement, Receipt, TransferOrder, WatchRequest};

/// A customer with a token. `S` steps up: it asks the issuer for a token of a session that meets the
/// policy, or returns `None` if the customer gives up.
#[derive(Debug)]
pub struct Customer<S> {
    bank: BankClient<Channel>,
    token: String,
    step_up: S,
}

/// The step-up that a refusal asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUp {
    /// The instruction to the user, in one sentence.
    pub message: String,
    /// The challenge, as an HTTP client gets it (RFC 9470, section 3).
    pub challenge: String,
    /// The name of the policy that is not met.
    pub policy: Option<String>,
    /// The alternatives. A customer who proves all factors of one of them meets the policy.
    pub prompts: Vec<Vec<Factor>>,
}

impl StepUp {
    /// Returns what the refusal asks for, or `None` if a step-up does not help.
    ///
    /// The issuer of this example is asked for factors, as Stytch is. A client of an OpenID Connect
    /// issuer also reads `acr_values` and `max_age` from `info.metadata`, and sends them as
    /// parameters of its authentication request. `scope` lists the scopes that the new token needs
    /// too, and `restart` says that only a new session can meet the policy.
    #[must_use]
    pub fn of(refusal: &Status) -> Option<Self> {
        let mut info = refusal.get_details_error_info()?;
        if refusal.code() != Code::Unauthenticated
            || info.domain != "tower-step-up"
            || info.reason != "INSUFFICIENT_USER_AUTHENTICATION"
            || info.metadata.get("retryable").is_none_or(|retryable| retryable != "true")
        {
            return None;
        }
        let prompts = info.metadata.remove("prompts").unwrap_or_default();
        let factors = |set: &str| set.split(',').map(|name| name.parse().ok()).collect();
        let prompts = prompts.split(' ').filter_map(factors).collect();
        let challenge = refusal.metadata().get("www-authenticate");
        let challenge = challenge.and_then(|value| value.to_str().ok()).unwrap_or_default();
        Some(Self {
            message: refusal.message().to_owned(),
            challenge: challenge.to_owned(),
            policy: info.metadata.remove("policy"),
            prompts,
        })
    }
}

impl<S: AsyncFnMut(&StepUp) -> Option<String>> Customer<S> {
    /// Creates a customer who signed in and got this token.
    pub fn new(channel: Channel, token: String, step_up: S) -> Self {
        Self { bank: BankClient::new(channel), token, step_up }
    }

    /// Returns the balance.
    ///
    /// # Errors
    ///
    /// Returns the status with which the server or its guard refused the call. The other methods do
    /// the same.
    pub async fn balance(&mut self) -> Result<Balance, Status> {
        self.call(BalanceRequest {}, async |mut bank, request| bank.get_balance(request).await)
            .await
    }

    /// Sends money.
    ///
    /// # Errors
    ///
    /// See [`balance`](Self::balance).
    pub async fn transfer(&mut self, order: TransferOrder) -> Result<Receipt, Status> {
        self.call(order, async |mut bank, request| bank.transfer(request).await).await
    }

    /// Returns the stream of movements.
    ///
    /// # Errors
    ///
    /// See [`balance`](Self::balance).
    pub async fn watch(&mut self) -> Result<Streaming<Movement>, Status> {
        self.call(WatchRequest {}, async |mut bank, request| bank.watch(request).await).await
    }

    /// Calls a method. If the guard asks for a step-up, steps up and calls the method once more. The
    /// second refusal is the result: a client that went on would send the customer in circles.
    async fn call<T: Clone, R>(
        &mut self,
        message: T,
        method: impl AsyncFn(BankClient<Channel>, Request<T>) -> Result<Response<R>, Status>,
    ) -> Result<R, Status> {
        let first = method(self.bank.clone(), self.request(message.clone())?).await;
        let refusal = match first {
            Ok(response) => return Ok(response.into_inner()),
            Err(refusal) => refusal,
        };
        let Some(needed) = StepUp::of(&refusal) else { return Err(refusal) };
        let Some(token) = (self.step_up)(&needed).await else { return Err(refusal) };
        self.token = token;
        let second = method(self.bank.clone(), self.request(message)?).await;
        second.map(Response::into_inner)
    }

    fn request<T>(&self, message: T) -> Result<Request<T>, Status> {
        let mut bearer = MetadataValue::try_from(format!("Bearer {}", self.token))
            .map_err(|_| Status::invalid_argument("the token is not visible ASCII"))?;
        bearer.set_sensitive(true);
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", bearer);
        Ok(request)
    }
}
