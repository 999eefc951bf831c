use serde_json::{Value, json};

use super::support::{Acme, text};
use crate::support::{EMAIL, Stand, assert_refused};

const ORGANIZATIONS: &str = "/v1/b2b/organizations";

#[tokio::test]
async fn an_organization_is_created_found_changed_and_deleted() {
    let acme = Acme::start().await;
    let stand = &acme.stand;
    let id = &acme.organization_id;
    assert!(id.starts_with("organization-test-"));
    let by_id = stand.get(&format!("{ORGANIZATIONS}/{id}")).await;
    let organization = &by_id["organization"];
    assert_eq!(organization["organization_name"], "Acme");
    assert_eq!(organization["mfa_policy"], "OPTIONAL");
    assert_eq!(organization["mfa_methods"], "ALL_ALLOWED");
    assert_eq!(stand.get(&format!("{ORGANIZATIONS}/acme")).await["organization"], *organization);

    let changes = json!({"organization_name": "Acme Ltd", "mfa_policy": "REQUIRED_FOR_ALL",
        "organization_external_id": "crm|7", "trusted_metadata": {"plan": "gold", "seats": 3},
        "mfa_methods": "RESTRICTED", "allowed_mfa_methods": ["totp", "totp"]});
    acme.put(&format!("{ORGANIZATIONS}/{id}"), changes).await;
    let changes = json!({"trusted_metadata": {"plan": null}});
    let changed = acme.put(&format!("{ORGANIZATIONS}/crm|7"), changes).await;
    let organization = &changed["organization"];
    assert_eq!(organization["organization_name"], "Acme Ltd");
    assert_eq!(organization["organization_slug"], "acme");
    assert_eq!(organization["mfa_policy"], "REQUIRED_FOR_ALL");
    assert_eq!(organization["allowed_mfa_methods"], json!(["totp"]));
    assert_eq!(organization["trusted_metadata"], json!({"seats": 3}));

    let deleted = acme.delete(&format!("{ORGANIZATIONS}/acme")).await;
    assert_eq!(deleted["organization_id"], **id);
    let gone = stand.get(&format!("{ORGANIZATIONS}/{id}")).await;
    assert_refused(&gone, 404, "organization_not_found", "a deleted organization");
}

#[tokio::test]
async fn deleting_an_organization_ends_the_sessions_of_its_members() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    assert!(acme.is_good(&session["session_token"]).await);
    acme.delete(&format!("{ORGANIZATIONS}/acme")).await;
    assert!(!acme.is_good(&session["session_token"]).await);
}

#[tokio::test]
async fn an_organization_without_a_slug_gets_one_like_its_name() {
    let stand = Stand::start().await;
    let create = async |name: &str| {
        let created = stand.ok(ORGANIZATIONS, json!({"organization_name": name})).await;
        text(&created["organization"]["organization_slug"])
    };
    assert_eq!(create("Harbour & Sons, Ltd.").await, "harbour-sons-ltd");
    let second = create("Harbour & Sons, Ltd.").await;
    assert!(second.starts_with("harbour-sons-ltd-") && second.len() == 23, "{second}");
    assert_eq!(create("北").await.len(), 6);
}

#[tokio::test]
async fn invalid_settings_of_an_organization_are_refused() {
    let acme = Acme::start().await;
    let check = async |settings: Value, kind: &str| {
        let path = format!("{ORGANIZATIONS}/acme");
        assert_refused(&acme.put(&path, settings.clone()).await, 400, kind, "update");
        let mut body = json!({"organization_name": "Other", "organization_slug": "other"});
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        acme.stand.refused(ORGANIZATIONS, body, 400, kind).await;
    };
    check(json!({"organization_name": ""}), "invalid_organization_name").await;
    check(json!({"organization_name": "a".repeat(129)}), "invalid_organization_name").await;
    check(json!({"organization_slug": "a"}), "invalid_organization_slug").await;
    check(json!({"organization_slug": "a/b"}), "invalid_organization_slug").await;
    check(json!({"mfa_policy": "SOMETIMES"}), "invalid_organization_mfa_policy").await;
    check(json!({"mfa_methods": "NONE"}), "invalid_organization_mfa_factor_setting").await;
    check(json!({"allowed_mfa_methods": ["passkey"]}), "invalid_organization_allowed_mfa_methods")
        .await;
    check(json!({"mfa_methods": "RESTRICTED"}), "allowed_mfa_methods_required_for_restricted")
        .await;
    check(json!({"organization_external_id": "a b"}), "invalid_argument").await;
    check(json!({"organization_logo_url": "a".repeat(2049)}), "organization_logo_url_too_long")
        .await;
    check(json!({"trusted_metadata": {"a": "b".repeat(4096)}}), "metadata_too_large").await;

    let other = json!({"organization_name": "Other", "organization_slug": "acme"});
    acme.stand.refused(ORGANIZATIONS, other, 400, "organization_slug_already_used").await;
    let unknown = acme.put(&format!("{ORGANIZATIONS}/unknown"), json!({})).await;
    assert_refused(&unknown, 404, "organization_not_found", "update");
    let unknown = acme.delete(&format!("{ORGANIZATIONS}/unknown")).await;
    assert_refused(&unknown, 404, "organization_not_found", "delete");
}

#[tokio::test]
async fn organizations_are_found_by_their_slugs_and_ids_in_pages() {
    let acme = Acme::start().await;
    for name in ["Bolt", "Cogs"] {
        acme.stand.ok(ORGANIZATIONS, json!({"organization_name": name})).await;
    }
    let search = async |body: Value| {
        let found = acme.stand.ok("/v1/b2b/organizations/search", body).await;
        let slugs = found["organizations"].as_array().unwrap().iter();
        let slugs: Vec<_> = slugs.map(|it| text(&it["organization_slug"])).collect();
        (slugs, found["results_metadata"].clone())
    };
    let filter = |name: &str, value: Value| {
        let operand = json!({"filter_name": name, "filter_value": value});
        json!({"query": {"operator": "AND", "operands": [operand]}})
    };
    let (slugs, metadata) = search(filter("organization_slugs", json!(["bolt", "acme"]))).await;
    assert_eq!(slugs, ["acme", "bolt"]);
    assert_eq!(metadata, json!({"total": 2, "next_cursor": null}));
    let by_id = filter("organization_ids", json!([acme.organization_id]));
    assert_eq!(search(by_id).await.0, ["acme"]);
    let (slugs, metadata) = search(json!({"limit": 2})).await;
    assert_eq!((slugs.len(), &metadata["total"]), (2, &json!(3)));
    let rest = json!({"limit": 2, "cursor": metadata["next_cursor"]});
    assert_eq!(search(rest).await.0, ["cogs"]);

    let path = "/v1/b2b/organizations/search";
    let refused = async |body: Value, kind: &str| acme.stand.refused(path, body, 400, kind).await;
    refused(filter("members", json!([EMAIL])), "organization_search_filter_name_not_recognized")
        .await;
    let not_strings = filter("organization_slugs", json!("acme"));
    refused(not_strings, "organization_search_expected_array_of_strings").await;
}
