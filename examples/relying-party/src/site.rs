//! Starts the site. Everything that can go wrong at start-up is reported in one line.

use std::sync::Arc;

use tokio::net::TcpListener;
use tower_step_up::{Clock, SystemClock};

use crate::cookies::Cookies;
use crate::flow::TOKEN;
use crate::guards::Guards;
use crate::pages::routes;
use crate::provider::Provider;
use crate::settings::{ProviderSettings, Settings};
use crate::stand_in::StandIn;

/// The site, bound to its address but not serving yet.
pub struct Site {
    app: Arc<App>,
    listener: TcpListener,
    url: String,
    issuer: String,
    has_stand_in: bool,
}

/// The state that the handlers share.
pub(crate) struct App {
    pub(crate) provider: Provider,
    pub(crate) guards: Guards,
    pub(crate) cookies: Cookies,
    /// The levels that a guard may ask for.
    pub(crate) levels: Vec<String>,
}

impl Site {
    /// Binds the address, and discovers the provider. If the settings name none, this process stands
    /// in for one.
    ///
    /// # Errors
    ///
    /// Returns an error of one line if the port is taken, if the provider cannot be used, or if other
    /// machines could reach the stand-in's site.
    pub async fn start(settings: Settings) -> Result<Self, String> {
        Self::start_with(settings, SystemClock).await
    }

    /// Starts the site as [`start`](Self::start) does. The guards and the stand-in read this clock,
    /// which tests move.
    ///
    /// # Errors
    ///
    /// Returns an error as [`start`](Self::start) does.
    pub async fn start_with(settings: Settings, clock: impl Clock + Clone) -> Result<Self, String> {
        let Settings { address, provider, public_url } = settings;
        let has_stand_in = provider.is_none();
        if has_stand_in && !address.ip().is_loopback() {
            return Err("without ISSUER the site listens on a loopback address only, because anyone can sign in: listen on 127.0.0.1, or set ISSUER".to_owned());
        }
        let cannot_listen = |error| format!("cannot listen on {address}: {error}");
        let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
        let url = format!("http://{}", listener.local_addr().map_err(cannot_listen)?);

        let cookies = Cookies { https: public_url.is_some() };
        let redirect_uri = format!("{}/callback", public_url.as_ref().unwrap_or(&url));
        let provider = match provider {
            Some(provider) => provider,
            None => StandIn::start(redirect_uri.clone(), clock.clone()).await?,
        };
        let app = App {
            guards: Guards::new(&provider, &cookies.name(TOKEN), clock)?,
            provider: Provider::discover(&provider, redirect_uri).await?,
            cookies,
            levels: provider.levels,
        };
        Ok(Self { app: Arc::new(app), listener, url, issuer: provider.issuer, has_stand_in })
    }

    /// Returns the URL at which the site listens.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Returns the text to print at start-up.
    #[must_use]
    pub fn announcement(&self) -> String {
        let Self { url, issuer, .. } = self;
        let provider = match self.has_stand_in {
            true => format!("a stand-in for a provider, at {issuer}: any name signs in"),
            false => issuer.clone(),
        };
        format!("the site is at {url}\npeople sign in at {provider}\nPress Ctrl-C to stop.\n")
    }

    /// Serves requests until `stop` completes, and then finishes those in flight.
    ///
    /// # Errors
    ///
    /// Returns an error if the listener fails.
    pub async fn serve(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), String> {
        let server = axum::serve(self.listener, routes(self.app)).with_graceful_shutdown(stop);
        server.await.map_err(|error| error.to_string())
    }
}

/// The settings of the stand-in.
impl ProviderSettings {
    pub(crate) fn of_stand_in(issuer: String) -> Self {
        Self {
            issuer,
            client_id: "relying-party".to_owned(),
            client_secret: None,
            audience: "https://relying-party.example".to_owned(),
            levels: ["silver", "gold"].map(str::to_owned).to_vec(),
        }
    }
}
