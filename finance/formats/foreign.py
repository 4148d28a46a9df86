"""What people drop here that is no statement: recognised by its first bytes and named, so that they know what to do."""

import re

from .shapes import Refusal, gettext_noop

EMPTY = gettext_noop("The file is empty.")
PDF = gettext_noop("This is a PDF; ask the bank's site for the statement as OFX, CSV or Excel.")
OLD_EXCEL = gettext_noop("This is an old Excel file (.xls); save it as .xlsx or CSV.")
LOCKED_BOOK = gettext_noop("The workbook is protected by a password; save it without one.")
WEB_PAGE = gettext_noop("This is a web page; ask the bank's site for the statement as OFX, CSV or Excel.")
WEB_TABLE = gettext_noop(
    "This is a web page, even if its name ends in .xls; open it with a spreadsheet program and save it as .xlsx or CSV."
)
PICTURE = gettext_noop("This is a picture, not a statement.")
PACKED = gettext_noop("The file is compressed with %(tool)s; unpack it first or use zip.")
NFE = gettext_noop("This is an NF-e (electronic invoice), not a bank statement.")
NFE_OTHER = gettext_noop("This is an NF-e event or query (%(root)s), not a bank statement.")
NFSE = gettext_noop("This is an NFS-e (service invoice, %(root)s), not a bank statement.")
CTE = gettext_noop("This is a CT-e (freight document), not a bank statement.")
PAIN = gettext_noop("This is a payment order or its status (%(root)s), not a bank statement.")
XML_OTHER = gettext_noop("The XML document “%(root)s” is no bank statement.")

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC: tuple[tuple[bytes, str, dict[str, str]], ...] = (
    (b"%PDF", PDF, {}),
    (_OLE, OLD_EXCEL, {}),
    (b"\x89PNG", PICTURE, {}),
    (b"\xff\xd8\xff", PICTURE, {}),
    (b"GIF8", PICTURE, {}),
    (b"\x1f\x8b", PACKED, {"tool": "gzip"}),
    (b"BZh", PACKED, {"tool": "bzip2"}),
    (b"7z\xbc\xaf", PACKED, {"tool": "7-Zip"}),
    (b"Rar!", PACKED, {"tool": "RAR"}),
    (b"\xfd7zXZ", PACKED, {"tool": "xz"}),
)
_NFE_ROOTS = {"nfeProc", "NFe", "enviNFe"}
_HTML = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|table|head|body|meta)\b", re.IGNORECASE | re.DOTALL)


def refuse_bytes(head: bytes) -> None:
    """Raise, if the first bytes belong to something that is no text."""
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise Refusal(EMPTY)
    if head.startswith(_OLE) and "EncryptedPackage".encode("utf-16-le") in head:
        raise Refusal(LOCKED_BOOK)
    for magic, text, data in _MAGIC:
        if head.startswith(magic):
            raise Refusal(text, **data)


def refuse_page(head: str) -> None:
    if _HTML.match(head.removeprefix("ï»¿")):
        raise Refusal(WEB_TABLE if "<table" in head.lower() else WEB_PAGE)


def refuse_xml(space: str, root: str) -> None:
    """Raise, naming an XML document that is no statement."""
    name = f"{space} {root}".lower()
    if "portalfiscal.inf.br/cte" in name or root in ("cteProc", "CTe"):
        raise Refusal(CTE)
    if root in _NFE_ROOTS and "prefeitura" not in name:
        raise Refusal(NFE)
    if "nfse" in name or "rps" in name or "nfs-e" in name or root in ("DPS", "pedRegEvento", "NFeLoteEnviarArquivo"):
        raise Refusal(NFSE, root=root)
    if "barueri" in name or "prefeitura" in name or "ginfes" in name or "abrasf" in name:
        raise Refusal(NFSE, root=root)
    if "portalfiscal" in name:
        raise Refusal(NFE_OTHER, root=root)
    if root == "Envelope":
        raise Refusal(NFE_OTHER, root=root)
    if "schemas-microsoft-com:office:spreadsheet" in name:
        raise Refusal(OLD_EXCEL)
    if "pain." in name or "pacs." in name:
        raise Refusal(PAIN, root=root)
    if root.lower() == "html":
        raise Refusal(WEB_PAGE)
    raise Refusal(XML_OTHER, root=root)
