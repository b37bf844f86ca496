// An archive of files that are stored as they are (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16).

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

function crc32(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = CRC_TABLE[(rest ^ byte) & 0xff] ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}

/** Numbers of given widths in bytes, little end first. */
function record(...fields) {
  const bytes = [];
  for (const [value, width] of fields) for (let i = 0; i < width; i += 1) bytes.push((value >>> (8 * i)) & 0xff);
  return Uint8Array.from(bytes);
}

const VERSION = 20;
const NAMES_ARE_UTF8 = 0x0800;
const NEW_YEAR_1980 = 0x0021;

/** An archive of `[name, bytes]` pairs; all at the same date, so that the same files give the same archive. */
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, bytes] of files) {
    const label = new TextEncoder().encode(name);
    const common = [
      [VERSION, 2], [NAMES_ARE_UTF8, 2], [0, 2], [0, 2], [NEW_YEAR_1980, 2],
      [crc32(bytes), 4], [bytes.length, 4], [bytes.length, 4], [label.length, 2], [0, 2],
    ];
    const header = record([0x04034b50, 4], ...common);
    directory.push(
      record([0x02014b50, 4], [VERSION, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), label,
    );
    parts.push(header, label, bytes);
    offset += header.length + label.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = record(
    [0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [offset, 4], [0, 2],
  );
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
