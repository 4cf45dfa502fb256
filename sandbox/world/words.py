"""Curated words from which the sample company's customers and people are named; no real brand is meant."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_ENGLISH = """Alder Amberley Ashcombe Barrow Beacon Birchwood Blackthorn Bramble Briar Bridgewater Brookfield Calder
Candlewick Chestnut Clearwater Copperfield Cotswell Curlew Dovecote Eastgate Elmhurst Fairweather Fennel Fernhill
Foxglove Garnet Glenmore Greenacre Hartwell Hawthorn Hazel Heron Hollyoak Ironbridge Juniper Kestrel Kingfisher
Larkspur Lavender Linden Longmeadow Mallard Marlow Meadowsweet Millbrook Mossley Northfield Oakham Orchard Osprey
Otterburn Pebble Penrose Plover Quarry Quince Redfern Ridgeway Rookery Rosemount Rowan Saffron Sandpiper Sedge
Silverdale Skylark Sorrel Southdown Starling Stonebridge Summerfield Swallow Sycamore Tamarisk Teasel Thistle
Thornbury Tideway Underhill Wavertree Westbourne Wheatley Whitethorn Willowbank Windrush Wren Yarrow Yewtree""".split()
_AMERICAN = """Aspen Badger Basin Bighorn Bluestem Bluff Boulderfield Buckhorn Buffalo Canyon Cascade Chaparral
Clearfork Cottonwood Coyote Cutbank Dakota Driftwood Eagleton Elkhorn Evergreen Flatiron Foothill Frontier Glacier
Granite Grayling Hackberry Highline Hickory Ironwood Jackrabbit Kestrel Lakota Laramie Lodgepole Longview Lookout
Lupine Madrone Mesa Milestone Monarch Mustang Northstar Obsidian Palisade Pinyon Ponderosa Prairie Pronghorn Quaking
Ranchero Redrock Ridgeline Roundup Sagebrush Sandstone Sequoia Sheridan Silverton Snowmass Spruce Stillwater
Stonecrop Summit Sundance Tamarack Teton Thunder Timberline Trailhead Tumbleweed Vista Wagonwheel Westfall Whitewater
Wildcat Willow Windmill Wolfcreek Yellowpine Yucca""".split()
_TRADES = (
    """Bakeries|Bathrooms|Boatworks|Books & Gifts|Builders Merchants|Cabinets|Carpentry|Catering|Ceramics|Coffee
Company|Construction|Design Studio|Doors & Windows|Electrical|Engineering|Estates|Events|Fabrication|Facilities|Farm
Shop|Fitness|Flooring|Foods|Furniture|Garden Centre|Glassworks|Healthcare|Homewares|Hotels|Interiors|Joinery|Kitchens|
Landscapes|Leisure|Lighting|Logistics|Metalwork|Nurseries|Office Supplies|Packaging|Paper|Plumbing|Print|Property|
Restaurants|Roofing|Schools Trust|Signs|Systems|Textiles|Theatres|Timber|Tools|Trading|Upholstery|Veterinary|
Workshops""".replace("\n", " ")
    .replace("| ", "|")
    .split("|")
)
_GERMAN = """Ahornbach Birkental Buchenau Eichengrund Erlenbach Falkenried Fichtenhain Haselbrunn Kastanienhof
Lindenhof Mühlental Rosengarten Schilfsee Silberquell Steinfurt Tannenwerder Ulmenberg Weidenau Wiesental
Wacholder""".split()
_GERMAN_TRADES = """Möbelwerk|Ladenbau|Holzhandel|Innenausbau|Gastronomie|Lichttechnik|Gartenbau|Bürobedarf|Küchen|
Großhandel""".replace("\n", "").split("|")
_FRENCH = """Aubépine Bruyère Cèdre Charmille Coquelicot Érable Fougère Genêt Lavandin Mimosa Noisetier Peuplier
Rivesaule Romarin Saule Tilleul Tournesol Verveine""".split()
_FRENCH_TRADES = "Ateliers|Maison|Menuiserie|Cuisines|Jardins|Hôtellerie|Papeterie|Comptoir".split("|")

_FIRST = """Alice Amir Anna Ben Beatrice Carla Callum Chloe Daniel Deepa Eleanor Elias Emma Farah Finn Gemma George
Grace Hannah Harriet Hugo Imogen Isaac Jack Jasmine Joanna Kiran Laura Leo Lena Louis Lucy Marcus Maria Martin Maya
Megan Mohammed Nadia Naomi Nina Oliver Omar Patrick Petra Priya Rachel Rebecca Robert Rosa Ruth Samuel Sara Simon
Sofia Stefan Tamsin Theo Thomas Uma Victor Vera Wendy William Yasmin Zoe""".split()
_LAST = """Abbott Ahmed Bailey Barnes Becker Bennett Blake Bradley Brennan Carver Chandler Clarke Coleman Cooper Dalton
Dawson Dixon Doyle Dupont Ellis Evans Fischer Fletcher Foster Gallagher Garner Gibson Gray Griffin Hale Harding Hayes
Hoffmann Holt Hughes Hunt Ibrahim Jensen Kaur Keller Kelly Khan Lambert Lawson Lopez Marsh Mercer Miles Moreau Morgan
Murphy Nash Novak Owens Patel Pearce Porter Quinn Reyes Rhodes Sanders Schultz Sharma Shaw Silva Sutton Tanner Turner
Vance Walsh Webb Weston Winter Wright Young""".split()

_SUFFIX = {"GB": ("Ltd", "Ltd", "LLP", "plc"), "IE": ("Ltd", "DAC"), "US": ("LLC", "Inc.", "Co."), "CA": ("Ltd.",)}


@dataclass(frozen=True)
class Person:
    """Somebody who answers for a customer."""

    first: str
    last: str


def company_names(rng: random.Random, country_of_next: Iterator[str]) -> Iterator[str]:
    """Yield distinct company names, each in the style of the next country (ISO 3166 alpha-2)."""
    used: set[str] = set()
    for country in country_of_next:
        name, stem = _company(rng, country)
        while stem in used:
            name, stem = _company(rng, country)
        used.add(stem)
        yield name


def person(rng: random.Random) -> Person:
    """Draw a person."""
    return Person(rng.choice(_FIRST), rng.choice(_LAST))


def slug(name: str) -> str:
    """Return a name as a host label: `Bramble Joinery Ltd` gives `bramble-joinery`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    return "-".join(words[:-1] if len(words) > 2 else words)


def _company(rng: random.Random, country: str) -> tuple[str, str]:
    if country in ("DE", "AT"):
        stem, suffix = f"{rng.choice(_GERMAN)} {rng.choice(_GERMAN_TRADES)}", rng.choice(("GmbH", "GmbH", "KG", "AG"))
    elif country == "FR":
        stem, suffix = f"{rng.choice(_FRENCH_TRADES)} {rng.choice(_FRENCH)}", rng.choice(("SARL", "SAS"))
    else:
        first = rng.choice(_AMERICAN if country in ("US", "CA") else _ENGLISH)
        stem, suffix = f"{first} {rng.choice(_TRADES).strip()}", rng.choice(_SUFFIX.get(country, ("BV",)))
    return f"{stem} {suffix}", stem
