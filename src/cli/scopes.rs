//! `scopes`: the built-in catalogue of products for people and scripts. Reads no configuration and asks nobody.

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::table::{Cell, Step, Table};
use super::words;
use crate::error::{Advice, Code, Error};
use crate::providers::catalog::{PRODUCTS, Product, can_write, scope_in_words};
use crate::providers::{DataCenter, zoho};
use crate::secret::shown;

/// List Zoho's products: scopes, hosts and harmless test calls
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login scopes
  device-login scopes crm --data-center eu
  device-login scopes --json")]
pub(super) struct Scopes {
    /// The product to tell all about; without one, all products are listed
    #[arg(value_name = "PRODUCT")]
    product: Option<String>,
    /// Only the hosts of this data center
    #[arg(long, value_name = "CODE")]
    data_center: Option<String>,
    /// Print the catalogue as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ScopesJson {
    schema_version: u32,
    products: Vec<ProductJson>,
}

#[derive(Serialize)]
struct ProductJson {
    product: &'static str,
    name: &'static str,
    scope_service: &'static str,
    scopes: Vec<ScopeJson>,
    /// Empty where no host is known.
    hosts: Vec<HostJson>,
    test_calls: Vec<TestCallJson>,
    notes: &'static [&'static str],
}

#[derive(Serialize)]
struct ScopeJson {
    scope: &'static str,
    words: String,
    writes: bool,
}

#[derive(Serialize)]
struct HostJson {
    data_center: String,
    address: String,
}

#[derive(Serialize)]
struct TestCallJson {
    name: &'static str,
    method: String,
    /// Below the address of the product.
    path: &'static str,
    /// The smallest one that allows it.
    scope: &'static str,
    /// Parameters in the body, as it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'static str>,
}

impl Scopes {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        context.output.use_json(self.json);
        let product = self.product.as_deref().map(product).transpose()?;
        let provider = zoho::provider();
        let data_centers = match &self.data_center {
            Some(code) => {
                vec![
                    provider
                        .data_center_called(code)
                        .ok_or_else(|| unknown_data_center(code, &provider.data_centers))?,
                ]
            }
            None => provider.data_centers.iter().collect(),
        };
        if self.json {
            let products = product.map_or(&PRODUCTS[..], std::slice::from_ref);
            let products = products.iter().map(|product| product_json(product, &data_centers)).collect();
            return context.output.json(&ScopesJson { schema_version: 1, products });
        }
        match product {
            Some(product) => context.output.text(&described(product, &data_centers)),
            None => listed(context, data_centers[0]),
        }
    }
}

fn product(name: &str) -> Result<&'static Product, Error> {
    Product::known_as(name).ok_or_else(|| {
        let error = Error::new(Code::Usage, format!("`{}` is no known product", shown(name)));
        error.advise(Advice::meant(Product::near(name)).unwrap_or(Advice::ListProducts))
    })
}

fn unknown_data_center(code: &str, known: &[DataCenter]) -> Error {
    let known: Vec<&str> = known.iter().map(|data_center| data_center.code.as_str()).collect();
    Error::new(Code::Usage, format!("Zoho has no data center `{}`", shown(code)))
        .advise(format!("it has: {}", known.join(", ")))
}

/// One line for each product, its host that of one data center.
fn listed(context: &Context, data_center: &DataCenter) -> Result<(), Error> {
    let address = format!("ADDRESS IN {}", words::data_center(&data_center.code));
    let steps = [
        Step::Drop("CALLS"),
        Step::Cut("NAME", 12),
        Step::Drop("SCOPES"),
        Step::Cut(&address, 24),
        Step::Drop("NAME"),
        Step::Cut(&address, 0),
    ];
    let row = |product: &Product| {
        let address = product.base(data_center).map(|base| without_slash(base.as_str()));
        let cells =
            [product.key, product.name, &format!("{}.*", product.scope_service), &product.calls.len().to_string()];
        cells.into_iter().map(Cell::new).chain([Cell::maybe(address)]).collect()
    };
    let titles = vec!["PRODUCT", "NAME", "SCOPES", "CALLS", &address];
    context.output.table(Table { titles, rows: PRODUCTS.iter().map(row).collect(), steps: &steps }, &[])
}

/// All about one product.
fn described(product: &Product, data_centers: &[&DataCenter]) -> String {
    let mut parts = vec![format!("{} (`--product {}`)", product.name, product.key)];
    let mut part = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let lines: Vec<String> = lines.iter().map(|line| format!("  {line}")).collect();
            parts.push(format!("{title}\n{}", lines.join("\n")));
        }
    };
    let scopes: Vec<_> = product.scopes.iter().map(|scope| [scope.to_owned(), scope_in_words(scope)]).collect();
    part("Known scopes; there are more", words::columns(&scopes));
    let hosts: Vec<_> = data_centers
        .iter()
        .filter_map(|data_center| Some((words::data_center(&data_center.code), product.base(data_center)?)))
        .map(|(place, base)| [place, without_slash(base.as_str())])
        .collect();
    part("Addresses", words::columns(&hosts));
    let calls: Vec<_> = product
        .calls
        .iter()
        .map(|call| [call.method.to_string(), call.path.to_owned(), call.name.to_owned(), call.scope.to_owned()])
        .collect();
    part("Harmless test calls, and the smallest scope for each", words::columns(&calls));
    let mut notes: Vec<String> = product.notes.iter().map(|note| (*note).to_owned()).collect();
    notes.extend(no_address(product, data_centers));
    part("Notes", notes);
    parts.join("\n\n")
}

/// Says where a product has no address, which a list of those that it has would leave to be noticed.
fn no_address(product: &Product, data_centers: &[&DataCenter]) -> Option<String> {
    let without = data_centers.iter().filter(|data_center| product.base(data_center).is_none());
    let places: Vec<String> = without.map(|data_center| words::data_center(&data_center.code)).collect();
    match places.len() {
        0 => None,
        all if all == data_centers.len() => Some("its address there is not known".to_owned()),
        _ => Some(format!("no address is known in {}", places.join(", "))),
    }
}

fn product_json(product: &'static Product, data_centers: &[&DataCenter]) -> ProductJson {
    let host = |data_center: &&DataCenter| {
        let address = without_slash(product.base(data_center)?.as_str());
        Some(HostJson { data_center: data_center.code.clone(), address })
    };
    let test_calls = product.calls.iter().map(|call| TestCallJson {
        name: call.name,
        method: call.method.to_string(),
        path: call.path,
        scope: call.scope,
        body: call.form,
    });
    let scope = |scope: &'static str| ScopeJson { scope, words: scope_in_words(scope), writes: can_write(scope) };
    ProductJson {
        product: product.key,
        name: product.name,
        scope_service: product.scope_service,
        scopes: product.scopes.iter().map(scope).collect(),
        hosts: data_centers.iter().filter_map(host).collect(),
        test_calls: test_calls.collect(),
        notes: &product.notes,
    }
}

fn without_slash(address: &str) -> String {
    address.trim_end_matches('/').to_owned()
}
