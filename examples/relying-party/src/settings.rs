//! The settings: one argument and six environment variables.

use std::fmt;
use std::net::SocketAddr;

const DEFAULT_ADDRESS: &str = "127.0.0.1:3000";

/// The address to listen on, and the provider at which people sign in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address to listen on.
    pub address: SocketAddr,
    /// The provider. Without one, the program stands in for it.
    pub provider: Option<ProviderSettings>,
    /// The origin at which browsers reach the site through a proxy with TLS (`PUBLIC_URL`), such as
    /// `https://shop.example.com`. The names of the cookies then begin with `__Host-`.
    pub public_url: Option<String>,
}

/// A provider, and the site's registration there.
#[derive(Clone)]
pub struct ProviderSettings {
    /// The issuer (`ISSUER`), such as `https://login.example.com`.
    pub issuer: String,
    /// The id of the site as a client (`CLIENT_ID`).
    pub client_id: String,
    /// The secret of the client, if it has one (`CLIENT_SECRET`).
    pub client_secret: Option<String>,
    /// The audience of the access tokens (`AUDIENCE`).
    pub audience: String,
    /// The levels (`ACR_VALUES`), separated by spaces, the least demanding first. `/transfer`
    /// demands the last one.
    pub levels: Vec<String>,
}

impl fmt::Debug for ProviderSettings {
    /// Omits the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("audience", &self.audience)
            .field("levels", &self.levels)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// The usage message, in one line.
    pub const USAGE: &str = "usage: relying-party [ADDRESS]   (default 127.0.0.1:3000; README.md lists the environment variables)";

    /// Returns the settings of a site on a free port of this machine.
    #[must_use]
    pub fn on_loopback(provider: Option<ProviderSettings>) -> Self {
        Self { address: ([127, 0, 0, 1], 0).into(), provider, public_url: None }
    }

    /// Reads the program's arguments and its environment. An empty variable counts as not set.
    ///
    /// # Errors
    ///
    /// Returns an error of one line if there is more than one argument, if it is not an address, if
    /// the provider is only partly configured, or if `PUBLIC_URL` is not an https origin.
    pub fn read(
        arguments: &[String],
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let address = match arguments {
            [] => DEFAULT_ADDRESS,
            [address] => address,
            _ => return Err(Self::USAGE.to_owned()),
        };
        let address = address
            .parse()
            .map_err(|_| format!("{address:?} is not an address to listen on; {}", Self::USAGE))?;
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let public_url = variable("PUBLIC_URL").map(|url| https_origin(&url)).transpose()?;
        Ok(Self { address, provider: provider(variable)?, public_url })
    }
}

fn provider(variable: impl Fn(&str) -> Option<String>) -> Result<Option<ProviderSettings>, String> {
    const OTHERS: [&str; 4] = ["CLIENT_ID", "CLIENT_SECRET", "AUDIENCE", "ACR_VALUES"];
    let Some(issuer) = variable("ISSUER") else {
        return match OTHERS.into_iter().find(|name| variable(name).is_some()) {
            Some(name) => Err(format!("{name} is set, but ISSUER is not")),
            None => Ok(None),
        };
    };
    let needed =
        |name: &str| variable(name).ok_or_else(|| format!("ISSUER is set, but {name} is not"));
    Ok(Some(ProviderSettings {
        issuer,
        client_id: needed("CLIENT_ID")?,
        client_secret: variable("CLIENT_SECRET"),
        audience: needed("AUDIENCE")?,
        levels: variable("ACR_VALUES")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    }))
}

/// Returns the origin, without a slash at its end.
fn https_origin(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if url.scheme() == "https" && url.path() == "/" && url.query().is_none() => {
            Ok(url.origin().ascii_serialization())
        }
        _ => Err("PUBLIC_URL is not an https origin such as https://shop.example.com".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(argument: &[&str], variables: &[(&str, &str)], want: Result<bool, &str>) {
        let arguments: Vec<_> = argument.iter().map(|&argument| argument.to_owned()).collect();
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        match (Settings::read(&arguments, variable), want) {
            (Ok(settings), Ok(has_provider)) => {
                assert_eq!(settings.provider.is_some(), has_provider, "{settings:?}");
            }
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (read, want) => assert_eq!(format!("{read:?}"), format!("{want:?}")),
        }
    }

    #[test]
    fn settings_are_complete_or_refused() {
        let issuer = ("ISSUER", "https://login.example.com");
        let (client, audience) = (("CLIENT_ID", "shop"), ("AUDIENCE", "https://api.example.com"));
        check(&[], &[], Ok(false));
        check(&["127.0.0.1:0"], &[("ISSUER", "")], Ok(false));
        check(&[], &[issuer, client, audience, ("ACR_VALUES", "silver gold")], Ok(true));
        check(&[], &[issuer, client], Err("AUDIENCE is not"));
        check(&[], &[issuer, audience], Err("CLIENT_ID is not"));
        check(&[], &[client], Err("ISSUER is not"));
        check(&["here"], &[], Err("\"here\" is not an address"));
        check(&["127.0.0.1:0", "more"], &[], Err("usage"));
        check(&[], &[("PUBLIC_URL", "http://shop.example.com")], Err("PUBLIC_URL"));
        check(&[], &[("PUBLIC_URL", "https://shop.example.com/app")], Err("PUBLIC_URL"));
        check(&[], &[("PUBLIC_URL", "https://shop.example.com/")], Ok(false));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let variable = |name: &str| Some(format!("https://{name}.example"));
        let settings = format!("{:?}", Settings::read(&[], variable));
        assert!(
            settings.contains("client_id") && !settings.contains("CLIENT_SECRET"),
            "{settings}"
        );
    }
}
