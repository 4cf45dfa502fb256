"""What is written keeps the schemas and the published rules of EN 16931; its page, what archives ask for."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import facturx  # type: ignore[import-untyped]
import pypdf
import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from receivables.e_invoice import EInvoice, e_invoice
from receivables.invoiced import Discount, Invoiced
from runtime.e_invoices.cii import write_cii
from runtime.e_invoices.factur_x import write_factur_x
from runtime.e_invoices.ubl import write_ubl
from tests.e_invoices.facts import EXEMPT, ISSUER, OUTSIDE, REDUCED, SELLER, ZERO, any_invoice, gbp, invoiced, line

_RULES = Path(facturx.__file__).parent / "xsd_and_schematron"
_UBL_XSD, _UBL_RULES = _RULES / "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd", _RULES / "ubl-2.1/EN16931-UBL-validation.xslt"
_CII_XSD, _CII_RULES = _RULES / "facturx-en16931/Factur-X_EN16931.xsd", _RULES / "facturx-en16931/FACTUR-X_EN16931.xslt"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
# Only a warning there: the delivery is an element that CII wants and nothing is known of.
_WARNED = {"PEPPOL-EN16931-R008"}

CASES: Mapping[str, Invoiced] = {
    "one tax": invoiced([line("100.00", quantity="3", unit="33.3333"), line("-10.00")], open_amount="50.00"),
    "several taxes": invoiced([line("100.00"), line("50.00", REDUCED), line("7.00", ZERO), line("8.00", EXEMPT)]),
    "a discount": invoiced([line("100.00", quantity="2", unit="50")], off=[Discount(gbp("10.00"), "")]),
    "no tax": invoiced([line("100.00", OUTSIDE)], open_amount="0.00"),
    "no address": replace(invoiced([line("1.00")]), order_number=""),
}


class Checks:
    """The schemas and the Schematron rules, made ready once."""

    def __init__(self, rules: Popen[str]) -> None:
        self._rules = rules
        self._xsd = {path: etree.XMLSchema(etree.parse(str(path))) for path in (_UBL_XSD, _CII_XSD)}

    def ubl(self, document: bytes) -> set[str]:
        return self._broken(document, _UBL_XSD, _UBL_RULES)

    def cii(self, document: bytes) -> set[str]:
        return self._broken(document, _CII_XSD, _CII_RULES) - _WARNED

    def _broken(self, document: bytes, xsd: Path, rules: Path) -> set[str]:
        self._xsd[xsd].assertValid(etree.fromstring(document))
        assert self._rules.stdin is not None and self._rules.stdout is not None
        self._rules.stdin.write(json.dumps([str(rules), document.decode()]) + "\n")
        self._rules.stdin.flush()
        report = etree.fromstring(json.loads(self._rules.stdout.readline()).encode())
        assert report.findall(f"{_SVRL}fired-rule"), "no rule was asked"
        return {str(each.get("id")) for each in report.findall(f"{_SVRL}failed-assert")}


@pytest.fixture(scope="module")
def checks() -> Iterator[Checks]:
    # A process of its own: Saxon brings a machine of its own along, beside which a test's threads and copies may die.
    command = [sys.executable, "-m", "tests.e_invoices.rules"]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as rules:
        yield Checks(rules)
        rules.communicate(timeout=30)


def _made(facts: Invoiced) -> EInvoice:
    made = e_invoice(ISSUER, facts)
    assert isinstance(made, EInvoice), made
    return made


@pytest.mark.parametrize("case", CASES)
def test_both_syntaxes_keep_their_schema_and_the_rules(checks: Checks, case: str) -> None:
    made = _made(CASES[case])
    assert not checks.ubl(write_ubl(made))
    assert not checks.cii(write_cii(made))


@given(any_invoice())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_stated_keeps_the_rules(checks: Checks, facts: Invoiced) -> None:
    made = _made(facts)
    assert not checks.ubl(write_ubl(made))
    assert not checks.cii(write_cii(made))


def test_the_published_rules_notice_what_ours_do(checks: Checks) -> None:
    made = _made(CASES["one tax"])
    wrong = replace(made, totals=replace(made.totals, net=gbp("90.01")))
    assert {"BR-CO-13", "BR-CO-15"} <= checks.ubl(write_ubl(wrong))
    assert {"BR-CO-13", "BR-CO-15"} <= checks.cii(write_cii(wrong))
    nameless = replace(made, seller=replace(SELLER, tax_number="", registration=""))
    assert checks.ubl(write_ubl(nameless)) >= {"BR-S-02", "BR-CO-26"}


def test_both_syntaxes_say_the_same() -> None:
    ubl, cii = (
        etree.fromstring(write_ubl(_made(CASES["one tax"]))),
        etree.fromstring(write_cii(_made(CASES["one tax"]))),
    )
    for in_ubl, in_cii in (
        ("PayableAmount", "DuePayableAmount"),
        ("TaxInclusiveAmount", "GrandTotalAmount"),
        ("PrepaidAmount", "TotalPrepaidAmount"),
        ("InvoicedQuantity", "BilledQuantity"),
        ("PriceAmount", "ChargeAmount"),
        ("BaseQuantity", "BasisQuantity"),
    ):
        one, other = ubl.findall(f".//{{*}}{in_ubl}"), cii.findall(f".//{{*}}{in_cii}")
        assert [each.text for each in one] == [each.text for each in other] != []


@pytest.mark.parametrize("language", ["en-GB", "de", "fr"])
def test_a_hybrid_invoice_holds_its_xml_and_is_made_for_archives(checks: Checks, language: str) -> None:
    pdf = write_factur_x(_made(CASES["one tax"]), language=language)
    name, xml = facturx.get_facturx_xml_from_pdf(pdf, check_xsd=True)
    assert name == "factur-x.xml"
    assert not checks.cii(xml)
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    root: Any = reader.trailer["/Root"]
    metadata = root["/Metadata"].get_object().get_data()
    assert b"<pdfaid:part>3</pdfaid:part>" in metadata
    assert b"<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>" in metadata
    assert root["/OutputIntents"][0].get_object()["/S"] == "/GTS_PDFA1"
    assert root["/AF"].get_object()[0].get_object()["/AFRelationship"] == "/Data"
    assert "/Encrypt" not in reader.trailer
    assert "/ID" in reader.trailer
    pages: Any = reader.pages
    fonts = [font.get_object() for page in pages for font in page["/Resources"]["/Font"].values()]
    assert fonts
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts)


def test_the_page_says_what_the_xml_says() -> None:
    text = pdfium.PdfDocument(write_factur_x(_made(CASES["one tax"]), language="en-GB"))[0].get_textpage()
    said = text.get_text_range()
    for wanted in (
        "Invoice INV-1",
        "VAT number GB999999973",
        "£100.00",
        "VAT 20 % on £90.00",
        "£18.00",
        "£108.00",
        "£50.00",
    ):
        assert wanted in said, wanted
