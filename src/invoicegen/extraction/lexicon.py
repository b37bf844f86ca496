"""Printed words and what they mean: currencies, units, titles, and the captions that give a language away."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final, Literal

LANGUAGES: Final = ("en", "de", "fr", "nl", "es", "it", "pt", "lv", "pl", "cs", "sv", "da", "nb", "fi")
"""Languages whose month names, captions and units are known."""


_UNDECOMPOSED: Final[dict[int, str]] = {ord("ł"): "l", ord("ø"): "o", ord("đ"): "d", ord("æ"): "ae"}


def fold(text: str) -> str:
    """Lower case without accents: what is left of a word when a camera or an engine loses its diacritics."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    stripped = "".join(c for c in decomposed if not unicodedata.combining(c))
    return stripped.translate(_UNDECOMPOSED)


def one_apart(read: str, right: str) -> bool:
    """Whether a word has one letter more, less or another."""
    if len(read) == len(right):
        return sum(a != b for a, b in zip(read, right, strict=True)) == 1
    short, long = sorted((read, right), key=len)
    return len(long) == len(short) + 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


LANGUAGE_WORDS: Final[dict[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "invoice date due total amount quantity qty price description unit bill ship payment terms receipt tax "
        "subtotal change cash card thank you balance number order customer please account bank item credit note for "
        "the of and with to rounding served cashier table",
        "de": "rechnung rechnungsnummer datum rechnungsdatum betrag gesamt gesamtbetrag summe mwst ust menge preis "
        "einzelpreis bezeichnung beschreibung zwischensumme netto brutto kunde kundennummer lieferung lieferdatum "
        "zahlung zahlbar steuernummer und der die das fur mit von bar stk stuck beleg quittung gutschrift zzgl "
        "fallig falligkeit leistung position bestellung bankverbindung",
        "fr": "facture date montant tva quantite prix unitaire designation total ht ttc client reglement echeance "
        "adresse numero paiement avoir remise taux livraison commande net payer le la les des et pour par du merci "
        "especes siret recu caisse",
        "nl": "factuur factuurnummer factuurdatum datum bedrag btw aantal prijs omschrijving totaal subtotaal klant "
        "klantnummer betaling vervaldatum bestelling het een van en voor incl excl bon creditnota levering artikel "
        "rekening stuks contant pin kvk",
        "es": "factura fecha importe iva cantidad precio descripcion total subtotal cliente pago vencimiento numero "
        "direccion pedido base imponible el los las del para por con recibo unidad gracias efectivo cuenta nif cif "
        "emision entrega albaran",
        "it": "fattura data importo iva quantita prezzo descrizione totale imponibile cliente pagamento scadenza "
        "numero indirizzo ordine il di del della per con ricevuta scontrino unitario contanti grazie partita resto "
        "documento consegna spett",
        "pt": "fatura factura data valor iva quantidade preco descricao total subtotal cliente pagamento vencimento "
        "numero morada encomenda contribuinte de do da para com recibo unitario obrigado dinheiro troco nif emissao "
        "entrega incidencia",
        "lv": "rekins pavadzime datums summa pvn daudzums cena nosaukums kopa apmaksai klients maksajums termins "
        "adrese numurs eur ceks kvits dok skaidra nauda karte paldies sia iela reg nr apmaksats atlaide",
        "pl": "faktura data kwota vat ilosc cena nazwa razem brutto netto nabywca sprzedawca termin platnosci adres "
        "numer zamowienie do zaplaty slownie paragon fiskalny sprzedazy wystawienia wartosc stawka suma gotowka nip",
        "cs": "faktura datum castka dph mnozstvi cena popis celkem dodavatel odberatel splatnosti vystaveni cislo "
        "objednavka uhrade uhradit doklad danovy variabilni symbol zaklad sazba ico dic kus uctenka danove",
        "sv": "faktura fakturanummer fakturadatum datum belopp moms antal pris benamning beskrivning summa att betala "
        "kund forfallodatum och for exkl inkl kvitto oss er varor artikel styck totalt netto kontant plusgiro "
        "bankgiro forfaller",
        "da": "faktura fakturanummer fakturadato dato belob moms antal pris beskrivelse subtotal total kunde forfald "
        "forfaldsdato betaling og til kvittering ialt stk enhedspris tak cvr konto bankkonto kontant leveringsdato",
        "nb": "faktura fakturanummer fakturadato dato belop mva antall pris beskrivelse sum kunde kundenummer "
        "forfallsdato betales og til kvittering totalt stk kontonummer enhetspris takk org kid leveringsdato",
        "fi": "lasku laskun numero paivays paivamaara summa alv maara hinta kuvaus yhteensa asiakas erapaiva maksu "
        "viite viitenumero saaja veroton verollinen kuitti kpl tilinumero ja maksettava laskutus toimitus vero",
    }.items()
}
"""Folded words of captions; one that several languages share votes for each of them."""

COUNTRY_WORDS: Final[dict[str, str]] = {
    "usa": "US", "sdn": "MY", "bhd": "MY", "malaysia": "MY", "selangor": "MY", "kuala": "MY", "johor": "MY",
    "deutschland": "DE", "germany": "DE", "ust": "DE", "mwst": "DE", "gmbh": "DE",
    "osterreich": "AT", "austria": "AT", "schweiz": "CH", "suisse": "CH", "switzerland": "CH",
    "france": "FR", "siret": "FR", "sarl": "FR", "nederland": "NL", "netherlands": "NL", "kvk": "NL", "btw": "NL",
    "belgique": "BE", "belgie": "BE", "belgium": "BE",
    "espana": "ES", "spain": "ES", "italia": "IT", "italy": "IT", "portugal": "PT", "latvija": "LV", "sia": "LV",
    "pvn": "LV", "polska": "PL", "poland": "PL", "nip": "PL", "cesko": "CZ", "czechia": "CZ", "dic": "CZ",
    "sverige": "SE", "sweden": "SE", "danmark": "DK", "denmark": "DK", "cvr": "DK", "norge": "NO", "norway": "NO",
    "mva": "NO", "suomi": "FI", "finland": "FI", "alv": "FI", "india": "IN", "gstin": "IN", "ifsc": "IN",
    "australia": "AU", "abn": "AU", "canada": "CA", "hst": "CA", "pst": "CA", "qst": "CA", "ontario": "CA",
    "quebec": "CA", "alberta": "CA", "kingdom": "GB", "england": "GB", "scotland": "GB",
    "wales": "GB", "ireland": "IE", "singapore": "SG", "zealand": "NZ", "philippines": "PH", "japan": "JP",
    "mexico": "MX", "rfc": "MX", "cfdi": "MX", "brasil": "BR", "brazil": "BR", "cnpj": "BR",
}  # fmt: skip
"""Folded words that point to the seller's country."""

DOMAIN_COUNTRIES: Final[dict[str, str]] = {
    "de": "DE", "at": "AT", "ch": "CH", "fr": "FR", "be": "BE", "nl": "NL", "es": "ES", "pt": "PT", "lv": "LV",
    "pl": "PL", "cz": "CZ", "se": "SE", "dk": "DK", "fi": "FI", "uk": "GB", "my": "MY", "au": "AU", "nz": "NZ",
    "ca": "CA", "sg": "SG", "ie": "IE", "us": "US", "ph": "PH", "jp": "JP",
    "mx": "MX", "br": "BR",
}  # fmt: skip
"""Country-code domains that are used by businesses of the country (not io, tv, me, it, in, no: also words)."""

COUNTRY_CURRENCY: Final[dict[str, str]] = {
    "US": "USD", "MY": "MYR", "GB": "GBP", "CH": "CHF", "PL": "PLN", "CZ": "CZK", "SE": "SEK", "DK": "DKK",
    "NO": "NOK", "IN": "INR", "AU": "AUD", "CA": "CAD", "SG": "SGD", "NZ": "NZD", "PH": "PHP", "JP": "JPY",
    "MX": "MXN", "BR": "BRL",
    **dict.fromkeys(("DE", "AT", "FR", "BE", "NL", "ES", "IT", "PT", "LV", "FI", "IE", "EE", "LT", "LU", "SK"), "EUR"),
    **dict.fromkeys(("CY", "MT", "SI", "HR"), "EUR"),
}  # fmt: skip

COUNTRY_LANGUAGE: Final[dict[str, str]] = {
    "DE": "de", "AT": "de", "FR": "fr", "NL": "nl", "ES": "es", "IT": "it", "PT": "pt", "LV": "lv", "PL": "pl",
    "CZ": "cs", "SE": "sv", "DK": "da", "NO": "nb", "FI": "fi", "US": "en", "GB": "en", "IE": "en", "AU": "en",
    "NZ": "en", "SG": "en", "MY": "en", "IN": "en", "PH": "en", "MX": "es", "BR": "pt",
}  # fmt: skip

_DOLLARS: Final = {"AU": "AUD", "CA": "CAD", "NZ": "NZD", "SG": "SGD", "HK": "HKD", "MX": "MXN", "TW": "TWD"}
_CROWNS_BY_COUNTRY: Final = {"SE": "SEK", "DK": "DKK", "NO": "NOK", "IS": "ISK"}
_CROWNS_BY_LANGUAGE: Final = {"sv": "SEK", "da": "DKK", "nb": "NOK"}

_CURRENCY_PRINTS: Final[dict[str, str]] = {
    print_: code
    for code, prints in {
        "EUR": "€ euro euros eur. eiro evro",
        "USD": "us$ usd$ dollar dollars us-dollar",
        "GBP": "£ pound pounds stg sterling",
        "MYR": "rm ringgit",
        "INR": "₹ rs rs. re. rupee rupees inr.",
        "JPY": "¥ yen 円 jp¥",
        "CNY": "rmb yuan cn¥",
        "CHF": "sfr sfr. fr. franken chf.",
        "PLN": "zł zl złoty złotych zloty",
        "CZK": "kč kc korun koruna",
        "THB": "฿ baht",
        "AUD": "a$ au$ aud$",
        "CAD": "c$ ca$ cad$ can$",
        "NZD": "nz$",
        "SGD": "s$ sg$",
        "HKD": "hk$",
        "TWD": "nt$",
        "BRL": "r$ reais real",
        "MXN": "mx$ mex$",
        "PHP": "₱ php.",
        "HUF": "ft forint",
        "RON": "lei leu",
        "BGN": "лв лв.",
        "TRY": "₺ tl",
        "UAH": "₴ грн",
        "RUB": "₽ руб руб.",
        "KRW": "₩ won",
        "VND": "₫",
        "ILS": "₪",
        "NGN": "₦",
        "IDR": "rp rp.",
        "ZAR": "rand",
        "LVL": "ls",
        "SEK": "svenska",
        "DKK": "dkr",
        "NOK": "nkr",
    }.items()
    for print_ in prints.split()
}


@cache
def _iso_currencies() -> frozenset[str]:
    from babel.numbers import list_currencies

    return frozenset(list_currencies())


def currency_of(text: str, language: str | None = None, country: str | None = None) -> str | None:
    """ISO 4217 code of a printed currency: a code, a sign or a word; None where it is none or cannot be told.

    ``$`` is the dollar of the country (the US dollar without one), ``kr`` the crown of the country or
    language.
    """
    compact = re.sub(r"[\s()\[\]:;,/]", "", text)
    if compact.upper() in _iso_currencies():
        return compact.upper()
    key = compact.casefold()
    if key == "$":
        return _DOLLARS.get(country or "", "USD")
    if key in {"kr", "kr.", "krona", "kronor", "krone", "kroner"}:
        return _CROWNS_BY_COUNTRY.get(country or "") or _CROWNS_BY_LANGUAGE.get(language or "")
    return _CURRENCY_PRINTS.get(key) or _CURRENCY_PRINTS.get(key.rstrip("."))


UNIT_CODES: Final[dict[str, str]] = {
    fold(print_): code
    for code, prints in {
        "C62": "x unid und n pcs pc pce pces piece pieces stk stck stück stueck st pièce pièces stuks stuk ud uds "
        "pza pzas pieza piezas pz pezzo pezzi nr szt sztuk sztuka ks kus kusy kusů gab gabals gabali styck "
        "stycken kpl kappale peça peças pç pçs unit units un uni unité unités u unidad unidades unidade unità "
        "einheit einheiten eenheid ea each enh jedn nos no vnt styk sz",
        "HUR": "h hr hrs hour hours std stunde stunden stdn heure heures uur uren ur hora horas ora ore godz godzina "
        "godziny godzin hod hodina hodiny hodin stunda stundas tim timme timmar timer time tunti tuntia rbg "
        "r-g",
        "DAY": "j d day days tag tage jour jours jr dag dagen día días dia dias giorno giorni gg dzień dni den dny "
        "dnů diena dienas dagar dage dager päivä päivää pv pvä manday mandays pt dgr dzień-rob",
        "WEE": "week weeks woche wochen semaine semaines weken semana semanas settimana settimane tydzień tygodnie",
        "MON": "mnd month months mo mth mths mon monat monate mois maand maanden mes meses mese mesi miesiąc "
        "miesiące mies měsíc mēnesis mēn månad månader måned måneder kk kuukausi měsíců mdr m-c m-ce mån",
        "ANN": "année années gads year years yr p.a jahr jahre an ans jaar año años anno anni ano anos rok lat år "
        "vuosi roky",
        "MIN": "min mins minute minutes minuten minuto minuti minuut minuty minuta minutter minuter",
        "NT": "nuitée nuitées nakts naktis night nights nts nacht nächte nuit nuits nachten noche noches notte "
        "notti noite noites noc nocí noci nocleg nocleh doba doby nat nætter overnatninger vrk yö yötä natt netter "
        "døgn nätter dygn",
        "KGM": "kg kgs kilo kilos kilogram kilograms kilogramm",
        "GRM": "g gr gram grams gramm gramme grammes",
        "TNE": "tn t to ton tons tonne tonnes tonnen mt tuna tun tonni tonn tona",
        "LBR": "lb lbs pound pounds",
        "ONZ": "oz ounce ounces",
        "LTR": "l lt ltr ltrs litre litres liter liters litro litros litri litr litra lit",
        "MLT": "ml millilitre millilitres milliliter",
        "GLL": "gal gallon gallons",
        "MTR": "m mtr metre metres meter meters mètre mètres metro metros metri metr lfm lm bm lbm jm lpm "
        "löpmeter",
        "CMT": "cm centimetre centimetres",
        "MMT": "mm",
        "KMT": "km kms kilometer kilometers kilometre kilometres",
        "FOT": "ft foot feet",
        "INH": "inch inches",
        "SMI": "mi mile miles",
        "MTK": "mq m2 m² qm sqm m.čtv čtv.m kvm neliö m-kw mkw",
        "MTQ": "mc m3 m³ cbm cu.m m.krych kbm kuutio m-sześc",
        "KWH": "kwh",
        "MWH": "mwh",
        "GB": "go gb",
        "BX": "cj boîte bte cx caixa kaste kst box boxes bx caja cajas scatola scatole doos schachtel boxen krabice "
        "krab krabic æske æsk æsker ltk laatikko rasia eske esk esker pudełko pud pudełka låda lådor ask ds",
        "CS": "geb kolli bulto caisse cartone krat colis kt case cs cases ctn carton cartons karton kartons ktn crt "
        "kiste kisten krt kart kartong přepr bedna přepravka kasse kori ct kārba kārbas skrz zgrzewka zgrz "
        "skrzynka back kli caixote grade cajón bultos kratten",
        "PK": "paq lot pqt cf emb pct iepak pac pack packs pk pkt pkg package packages paket pakete packung pck pak "
        "paquet paquets paquete confezione conf opak balení balik paczka bal pakke pkn paketti förp frp fp op "
        "opk",
        "BO": "bottle bottles btl flasche flaschen fl bouteille bouteilles botella bottiglia fles",
        "BG": "saco sacco maiss bag bags beutel sack säcke sac sacs zak pytel pyt sáček pytle sæk pose ps säkki sk "
        "pussi pss sekk worek wor work påse",
        "RO": "roll rolls rolle rollen rouleau rol",
        "CA": "can cans dose dosen",
        "PF": "pal palet palete bancale pallet pallets plt palette paletten paleta palety palle paller pll lava "
        "lavaa lva pall pallar",
        "SET": "set sets satz sätze jeu jgo",
        "PR": "pair pairs paar paire paires par",
        "DZN": "dozen dz dzn dutzend douzaine",
        "LS": "global ens a-corpo corpo kompl obj vast post stelpost vg ls lump lump-sum lumpsum job fixed pauschal "
        "psch pausch pauschale forfait flat paušál komplet soubor fast-pris sum rs erä urakka kerta ryczałt "
        "rycz usł usługa omg omgång",
        "CEN": "cent 100 c 100ks 100szt sto sata setka 100-tal",
        "MIL": "tkp millar mille mil tūkst 1000 cpm '000 tsd tis tis.-ks tusind tusen tuhat tys tys.-szt",
        "P1": "%",
    }.items()
    for print_ in prints.split()
}
"""Folded print to UN/ECE Recommendation 20 (packages: 21) code; pieces and units are both C62, "one"."""

LOCAL_UNIT_CODES: Final[dict[tuple[str, str], str]] = {
    ("de", "T"): "DAY",
    ("de", "Ü"): "NT",
    ("es", "ml"): "MTR",  # metro lineal
    ("fr", "ml"): "MTR",
    ("it", "ml"): "MTR",
    ("pt", "ml"): "MTR",
    ("es", "p.a"): "LS",  # partida alzada
    ("fr", "ft"): "LS",  # forfait
    ("it", "sc"): "BX",
    ("lv", "gb"): "C62",
    ("lv", "st"): "HUR",
    ("nl", "u"): "HUR",
    ("fi", "t"): "HUR",
    ("fi", "tun"): "HUR",
    ("fi", "v"): "ANN",  # vuosi
    ("da", "t"): "HUR",
    ("nb", "t"): "HUR",
    ("da", "ks"): "CS",  # kasse
    ("nb", "ks"): "CS",
    ("cs", "kpl"): "LS",  # komplet
    ("pl", "kpl"): "LS",
    ("lv", "GB"): "GB",
    ("da", "md"): "MON",  # a man-day elsewhere
    ("fi", "gt"): "GB",  # gigatavu
    ("pl", "mb"): "MTR",  # metr bieżący; a megabyte elsewhere
}
"""Prints that mean something else in one language than in the others; upper case as printed."""

DOCUMENT_TYPE_WORDS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (code, re.compile("|".join(patterns)))
    for code, patterns in (
        (
            "384",
            (
                r"correct(ed|ive) (tax )?invoice",
                r"invoice correction",
                r"revised invoice",
                r"(amended|adjustment) invoice",
                r"(korrigiert|berichtigt)\w* rechnung",
                r"rechnungsberichtigung|^berichtigung$",
                r"factura corregida|facture corrigee|fatura (retificativa|corrigida)",
                r"fattura (rettificativa|di rettifica|corretta)",
                r"gecorrigeerde factuur|factuurcorrectie",
                r"(korriger|rett)et faktura|korrigert faktura|(korrigerad|rattad) faktura",
                r"(aendrings|andrings|endrings|korrektions|korreksjons|korrigerings|erstatnings|ersattnings)faktura",
                r"(oikaisu|korjaus|muutos)lasku|korjattu lasku",
                r"(labots|korige\w+) rekins",
                r"opraven?a faktura|opravna faktura|vrubopis",
                r"faktura skorygowana",
            ),
        ),
        (
            "381",  # corrections of an invoice by a document of its own count as credit notes where that is the custom
            (
                r"credit ?(note|memo|nota|invoice)",
                r"kredit ?(nota|faktura|note)",
                r"kredita (nota|rekins)",
                r"gutschrift",
                r"storno",
                r"rechnungskorrektur",
                r"korrekturrechnung",
                r"\bavoir\b",
                r"(facture|factura) rectificativ[ae]",
                r"note de credit",
                r"not[ao] (de |di )?(credito|accredito|abono|devolucao|variazione)",
                r"fatura de credito",
                r"\babono\b",
                r"(credit|correctie)factuur",
                r"kreditrekins",
                r"atgriesanas rekins",
                r"dobropis",
                r"hyvity",
                r"refund",
                r"kredit(ering|eringsfaktura|bilag|ert)?\b|salgskredit",
                r"opravny (danovy )?doklad",
                r"korekta|korygujaca|nota kredytowa",
            ),
        ),
        (
            "380",  # what is called by a word for receipts, and is an invoice
            (
                r"fatura ?[-/ ] ?recibo",
                r"tax invoice ?/ ?receipt",
                r"recibo de (suministro|honorarios|prestacao)",
                r"comprobante fiscal",
                r"cuenta del huesped|conta do hospede",
                r"conto (telefonico|albergo)|ricevuta soggiorno",
            ),
        ),
        (
            "rcpt",
            (
                r"receipt",
                r"quittung",
                r"quittance",
                r"kassenzettel",
                r"beleg\b",
                r"bon\b",
                r"barverkauf",
                r"ti(ck|qu)et?\b",
                r"\brecu\b",
                r"recibo",
                r"scontrino",
                r"ricevuta",
                r"documento commerciale",
                r"talao",
                r"\bceks?\b",
                r"kvits",
                r"^dok\b",
                r"paragon",
                r"uctenka",
                r"stvrzenka",
                r"kvitt",
                r"kuitti",
                r"kwitantie",
                r"(aankoop|betalings)bewijs",
                r"justifica(nte|tif)",
                r"comprobante",
                r"(cash|customer|merchant|card|cardholder) (bill|sale|copy)|^(sale|purchase)$",
                r"copia cliente|carte bancaire|^debit$",
                r"kartenzahlung|^zahlung$|k u n d e n",
                r"^venta$|operacion venta|nota de venta",
                r"cupom|nfc e|comprovante|via (do )?cliente|cartao de credito|^compra$",
                r"^(pagamento|acquisto|pirkums|betaling|kaartbetaling)$|kopie kaarthouder|klienta eksemplars",
                r"(kunde|kundens|butikkens|brukerstedets) ?kopi|(kundens|butikens) ex",
                r"kort(betaling|betalning|kob|kjop|kop)|varekjop|\b(kob|kjop|kop)\b",
                r"kontantnota|kassalapp|kassabong|^salg$",
                r"kappale$|korttitapahtuma|myyntitosite|^osto$|veloitus",
                r"pokladni (doklad|blok)|prodejka|^prodej\b|kopie pro|potvrzeni|platba kartou|doklad o platbe",
                r"dowod (sprzedazy|zakupu)|pokwitowanie|potwierdzenie|(wydruk|kopia) dla|^sprzedaz|platnosc karta",
                r"guest check",
                r"simplifi(ed|ee|cada)",
                r"facturette",
                r"\b(conto|preconto|conta|cuenta|addition|duplicata)\b",
                r"consulta de mesa",
                r"venda a dinheiro",
                r"^note$",
            ),
        ),
        (
            "380",
            (
                r"invoice",
                r"rechnung",
                r"fact?u+r",
                r"factuur",
                r"fatura",
                r"fattura",
                r"rekins",
                r"faktur|samofaktur",
                r"lasku|tilausmaksu",
                r"regning|opkraevning|opgorelse|oppgjor|oppgave|nettleie|kommunale avgifter",
                r"rakning",
                r"vyuctovani|\bucet\b|vyzva k platbe|zalohovy list|vystaveno zakaznikem",
                r"rachunek|rozliczenie",
                r"kontingent|medlemsavgift|^abonnement$|^abbonamento$|predplatne|clensky prispevek|skladka",
                r"\w{3,}nota\b|nota (onorari|fiscal|de debito)",
                r"bolletta|cfdi|remision|etat de compte|note d.hotel",
                r"\bfolio\b|fee note|telephone account",
                r"\bbill\b",
                r"pavadzime",
                r"statement",
                r"danovy doklad",
                r"\btax inv",
                r"pro ?forma",
                r"honora",
                r"minuta",
                r"parcella",
                r"copia di cortesia",
                r"rekening",
                r"^nota$",
                r"declaratie",
            ),
        ),
    )
)
"""Document type code (UNTDID 1001, or ``rcpt``) and a pattern over the folded title; the first match counts."""

PartyRole = Literal["SELLER", "BUYER", "OTHER"]
_PARTY_HEADINGS: Final[tuple[tuple[PartyRole, str], ...]] = (
    (
        "SELLER",
        "seller|supplier|vendor|seller information|seller details|supplier details|information about the seller|"
        "verkaufer|lieferant|rechnungssteller|leistungserbringer|rechnungsaussteller|informationen zum verkaufer|"
        "angaben zum verkaufer|vendeur|fournisseur|emetteur|informations du vendeur|verkoper|leverancier|"
        "informatie verkoper|vendedor|proveedor|emisor|informacion del vendedor|venditore|fornitore|cedente|"
        "cedente / prestatore|prestatore|informazioni sul venditore|fornecedor|emitente|informacoes do vendedor|"
        "sprzedawca|dane sprzedawcy|wystawca|dodavatel|prodavajici|udaje o prodejci|saelger|leverandor|saljare|"
        "leverantor|selger|myyja|toimittaja|pardevejs|piegadatajs|preces piegadatajs|pakalpojuma sniedzejs",
    ),
    (
        "BUYER",
        "buyer|customer|bill to|billed to|invoice to|sold to|buyer information|buyer details|customer details|"
        "information about the buyer|kaufer|kunde|rechnungsempfanger|leistungsempfanger|rechnungsadresse|"
        "informationen zum kaufer|angaben zum kaufer|abweichender rechnungsempfanger|acheteur|client|"
        "adresse de facturation|facture a|informations de l'acheteur|koper|klant|afnemer|factuuradres|"
        "informatie koper|comprador|cliente|facturar a|informacion del comprador|acquirente|cessionario|"
        "committente|informazioni sull'acquirente|adquirente|informacoes do comprador|nabywca|dane nabywcy|"
        "odberatel|kupujici|udaje o kupujicim|kober|kunde|kopare|kund|kjoper|ostaja|asiakas|laskutusosoite|"
        "pircejs|pasutitajs|sanemejs|pakalpojuma sanemejs|maksatajs",
    ),
    (
        "OTHER",
        "ship to|shipped to|deliver to|delivered to|delivery address|shipping address|delivery information|"
        "warenempfanger|lieferadresse|lieferanschrift|lieferort|lieferinformationen|abweichender warenempfanger|"
        "abweichender lieferort|lieferung an|versandadresse|livre a|adresse de livraison|informations de livraison|"
        "lieu de livraison|afleveradres|leveringsadres|bezorgadres|verzendadres|leveringsinformatie|"
        "direccion de entrega|lugar de entrega|entregar a|destinazione|luogo di consegna|indirizzo di consegna|"
        "destinatario merce|local de entrega|morada de entrega|endereco de entrega|adres dostawy|miejsce dostawy|"
        "odbiorca|dodaci adresa|misto dodani|prijemce|leveringsadresse|leveres til|leveransadress|"
        "levereras till|toimitusosoite|piegades adrese|piegades vieta|kravas sanemejs|"
        "payee|zahlungsempfanger|beneficiaire|tax representative|steuervertreter|representant fiscal",
    ),
)
PARTY_HEADINGS: Final[dict[str, PartyRole]] = {
    heading: role for role, headings in _PARTY_HEADINGS for heading in headings.split("|")
}
"""Folded headings over the parts of a form or listing, and whose name and address stand below."""

SumType = Literal["SUBTOTAL_AMOUNT", "TAX_AMOUNT", "TOTAL_AMOUNT", "AMOUNT_DUE"]
_SUM_CAPTIONS: Final[tuple[tuple[SumType, str], ...]] = (
    (
        "SUBTOTAL_AMOUNT",
        "subtotal|sub total|net total|total net|net amount|total net amount|total without vat|total excl vat|"
        "total excluding vat|total amount without vat|invoice total amount without vat|tax exclusive amount|"
        "tax basis total|zwischensumme|summe netto|netto summe|nettosumme|nettobetrag|gesamtbetrag netto|"
        "gesamtsumme netto|summe ohne umsatzsteuer|rechnungssumme ohne ust|rechnungssumme ohne umsatzsteuer|"
        "rechnungsgesamtbetrag ohne umsatzsteuer|total ht|sous total|total hors tva|montant ht|montant total ht|"
        "montant total hors tva|montant total de la facture hors tva|subtotaal|totaal zonder btw|totaal excl btw|"
        "totaal exclusief btw|factuurtotaal zonder btw|base imponible|total sin iva|total sin impuestos|"
        "importe total sin iva|importe total de la factura sin iva|imponibile|totale imponibile|totale senza iva|"
        "totale fattura senza iva|total sem iva|total sem imposto|valor total da fatura sem iva|kwota bez vat|"
        "kwota ogolem bez vat|suma bez podatku|suma netto|celkem bez dph|castka bez dane|"
        "celkova castka faktury bez dph|totalt utan moms|belopp utan moms|fakturatotal utan moms|total uden moms|"
        "belob uden moms|fakturatotal uden moms|totalt uten mva|belop uten mva|fakturatotal uten mva|valisumma|"
        "yhteensa ilman arvonlisaveroa|laskun summa ilman alv a|veroton loppusumma|kopsumma bez pvn|"
        "rekina kopsumma bez pvn|summa bez nodokla|summa bez pvn",
    ),
    (
        "TAX_AMOUNT",
        "vat|tax|sales tax|gst|igst|cgst|sgst|hst|total gst|gst amount|total vat|total tax|vat amount|tax amount|"
        "total vat amount|invoice total vat amount|"
        "tax total|mwst|ust|mehrwertsteuer|umsatzsteuer|steuerbetrag|umsatzsteuerbetrag|summe umsatzsteuer|"
        "gesamtbetrag der umsatzsteuer|tva|total tva|montant tva|montant total de tva|btw|totaal btw|btw bedrag|"
        "totaal btw bedrag|btw bedrag totaal|iva|total iva|importe total del iva|total impuestos|cuota iva|"
        "totale iva|importo totale iva|totale imposta|total do iva|valor total do iva|total de imposto|kwota vat|"
        "kwota vat ogolem|calkowita kwota vat|suma podatku|dph|celkem dph|dan celkem|celkova castka dph|moms|"
        "totalt momsbelopp|fakturans totala momsbelopp|moms totalt|samlet momsbelob|moms i alt|"
        "fakturaens samlede momsbelob|mva|totalt mva belop|fakturaens totale mva|sum mva|alv|"
        "arvonlisavero yhteensa|laskun alv yhteensa|veron kokonaismaara|pvn|pvn kopsumma|rekina pvn kopsumma|"
        "nodoklis kopa|pvn summa",
    ),
    (
        "TOTAL_AMOUNT",
        "total|grand total|invoice total|total amount|total with vat|total incl vat|total including vat|"
        "invoice total amount with vat|tax inclusive amount|gesamt|gesamtbetrag|gesamtsumme|rechnungsbetrag|"
        "endbetrag|bruttosumme|bruttobetrag|gesamtsumme brutto|gesamtbetrag brutto|summe mit umsatzsteuer|"
        "rechnungsgesamtbetrag mit umsatzsteuer|total ttc|montant ttc|montant total ttc|"
        "montant total tva comprise|montant total avec tva|totaal|totaal met btw|totaal incl btw|"
        "totaal inclusief btw|factuurtotaal met btw|total con iva|total con impuestos|importe total con iva|"
        "importe total de la factura con iva|total factura|totale|totale con iva|totale fattura con iva|"
        "totale fattura|totale documento|total com iva|total com imposto|valor total da fatura com iva|"
        "kwota z vat|kwota ogolem z vat|suma z podatkiem|razem|suma brutto|celkem|celkem s dph|castka s dani|"
        "celkova castka faktury s dph|totalt|totalt med moms|belopp med moms|fakturatotal med moms|i alt|"
        "total med moms|belob med moms|totalt med mva|belop med mva|fakturatotal med mva|yhteensa|"
        "yhteensa arvonlisaverollisena|laskun summa sis alv|verollinen loppusumma|kopa|kopsumma ar pvn|"
        "rekina kopsumma ar pvn|summa ar nodokli|summa ar pvn",
    ),
    (
        "AMOUNT_DUE",
        "amount due|balance due|total due|amount due for payment|payable amount|amount payable|zahlbetrag|"
        "residual|residual amount|remaining balance|zu zahlen|zu zahlender betrag|zu zahlender beitrag|restbetrag|"
        "falliger betrag|falliger zahlungsbetrag|offener betrag|net a payer|"
        "montant a payer|reste a payer|te betalen|te betalen bedrag|openstaand bedrag|importe a pagar|"
        "importe debido|liquido a pagar|total a pagar|importo dovuto|importo dovuto per il pagamento|"
        "netto a pagare|valor a pagar|montante a pagar|valor em divida|do zaplaty|kwota do zaplaty|"
        "kwota nalezna do zaplaty|naleznosc|k uhrade|castka k uhrade|castka splatna k uhrade|zbyva uhradit|"
        "att betala|belopp att betala|forfallet belopp|skyldigt belob|belob til betaling|til betaling|a betale|"
        "belop til betaling|skyldig belop|maksettava maara|maksettava summa|maksettavaa|maksajama summa|"
        "summa apmaksai|apmaksai",
    ),
)
SUM_CAPTIONS: Final[dict[str, SumType]] = {
    caption: name for name, captions in _SUM_CAPTIONS for caption in captions.split("|")
}
"""Folded captions without punctuation over or beside the sums of a document (EN 16931, BT-109, BT-110, BT-112, BT-115)
and what they name."""

SALUTATIONS: Final = frozenset(
    (
        "herrn",
        "herr",
        "frau",
        "familie",
        "eheleute",
        "herrn und frau",
        "frau und herrn",
        "monsieur",
        "madame",
        "mme",
    )
)
"""Folded forms of address that have a line of their own over a person's name."""
