//! Framing of requests: finds where a request ends (RFC 9112, sections 6 and 7).
//!
//! actix-http parses requests and refuses invalid ones. This only finds their ends, so that actix-http is given one
//! request at a time: it frames a response by the request that it read last.

/// Maximum size of a request's head, in bytes.
pub(super) const MAX_HEAD: usize = 16 * 1024;

/// Maximum number of lines of a head: the request line, and as many headers as actix-http reads.
const MAX_HEAD_LINES: u32 = 1 + 96;

/// Maximum length of the target kept from a head that is too large.
const MAX_KEPT_TARGET: usize = 512;

/// Length of the body announced by the substitute of such a head: the connection closes with the response.
const UNTIL_CLOSE: u64 = 1 << 40;

/// The head has more than [`MAX_HEAD`] bytes, or too many lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HeadTooLarge;

/// Progress within one request.
#[derive(Debug)]
pub(super) enum Framing {
    /// In its head.
    Head(Head),
    /// In its body; bytes missing.
    Body(u64),
    /// In its chunked body.
    Chunks(Chunks),
}

/// An incomplete head.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Bytes scanned.
    scanned: usize,
    /// Start of the current line.
    line: usize,
    /// Number of lines.
    lines: u32,
    /// Announced length of the body.
    length: u64,
    /// Whether the body is chunked.
    chunked: bool,
}

/// State within a chunked body.
#[derive(Debug)]
pub(super) enum Chunks {
    /// In the line with the size of a chunk.
    Size {
        /// Size so far.
        size: u64,
        /// Whether its digits have ended.
        over: bool,
    },
    /// In the data of a chunk and the line end after it; bytes missing.
    Data(u64),
    /// In a line after the last chunk; an empty one ends the body.
    Trailer {
        /// Whether the line is empty so far.
        empty: bool,
    },
}

impl Default for Framing {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl Framing {
    /// Number of these bytes that belong to the request; 0 while its head is incomplete: then the next call gets the
    /// same bytes with more behind them.
    ///
    /// # Errors
    /// [`HeadTooLarge`], at each further call too.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, HeadTooLarge> {
        let mut taken = 0;
        if let Self::Head(head) = self {
            let Some(end) = head.end(bytes)? else { return Ok(0) };
            taken = end;
            *self = head.body();
        }
        match self {
            Self::Head(_) => {}
            Self::Body(missing) => {
                let came = (bytes.len() - taken).min(usize::try_from(*missing).unwrap_or(usize::MAX));
                *missing -= came as u64;
                taken += came;
            }
            Self::Chunks(chunks) => match chunks.end(&bytes[taken..]) {
                Some(end) => {
                    *self = Self::Body(0);
                    taken += end;
                }
                None => taken = bytes.len(),
            },
        }
        Ok(taken)
    }

    /// Whether the whole request has arrived.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self, Self::Body(0))
    }

    /// Whether a part of its head has arrived.
    pub(super) fn is_within_head(&self) -> bool {
        matches!(self, Self::Head(Head { scanned: 1.., .. }))
    }

    /// The bytes after [`substitute`].
    pub(super) fn behind_substitute() -> Self {
        Self::Body(UNTIL_CLOSE)
    }
}

impl Head {
    /// The end of the head, if it has arrived. As in actix-http, lines may end without CR, and empty ones may come
    /// first.
    fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, HeadTooLarge> {
        while self.lines <= MAX_HEAD_LINES
            && let Some(length) = bytes[self.scanned..].iter().position(|byte| *byte == b'\n')
        {
            let line = &bytes[self.line..self.scanned + length];
            self.scanned += length + 1;
            self.line = self.scanned;
            if self.scanned > MAX_HEAD {
                break;
            }
            match line.strip_suffix(b"\r").unwrap_or(line) {
                [] if self.lines > 0 => return Ok(Some(self.scanned)),
                [] => {}
                line => self.read_header(line),
            }
        }
        if self.lines > MAX_HEAD_LINES || bytes.len() > MAX_HEAD {
            return Err(HeadTooLarge);
        }
        self.scanned = bytes.len();
        Ok(None)
    }

    fn read_header(&mut self, line: &[u8]) {
        self.lines += 1;
        if let Some(length) = value(line, b"content-length:") {
            self.length = length.trim().parse().unwrap_or(0); // actix-http refuses anything but a number
        } else if value(line, b"transfer-encoding:").is_some() {
            self.chunked = true; // it refuses any other encoding
        }
    }

    fn body(&self) -> Framing {
        if self.chunked {
            Framing::Chunks(Chunks::Size { size: 0, over: false })
        } else {
            Framing::Body(self.length)
        }
    }
}

/// The value of a header, if this line is that header.
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let (start, value) = line.split_at_checked(name.len())?;
    if start.eq_ignore_ascii_case(name) { str::from_utf8(value).ok() } else { None }
}

impl Chunks {
    /// The end of the body, if it has arrived.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if let Self::Data(missing) = self {
                let came = (bytes.len() - at).min(usize::try_from(*missing).unwrap_or(usize::MAX));
                *missing -= came as u64;
                at += came;
                if *missing == 0 {
                    *self = Self::Size { size: 0, over: false };
                }
                continue;
            }
            at += 1;
            if self.ends_with(*byte) {
                return Some(at);
            }
        }
        None
    }

    /// Whether the body ends with this byte, which belongs to no chunk.
    fn ends_with(&mut self, byte: u8) -> bool {
        match self {
            Self::Data(_) => {}
            Self::Size { size: 0, .. } if byte == b'\n' => *self = Self::Trailer { empty: true },
            Self::Size { size, .. } if byte == b'\n' => *self = Self::Data(size.saturating_add(2)),
            Self::Size { size, over } => match char::from(byte).to_digit(16) {
                Some(digit) if !*over => *size = size.saturating_mul(16).saturating_add(digit.into()),
                Some(_) | None => *over = true,
            },
            Self::Trailer { empty: true } if byte == b'\n' => return true,
            Self::Trailer { empty } => *empty = byte == b'\n' || (*empty && byte == b'\r'),
        }
        false
    }
}

/// A head in place of one that is too large: the same method and path, so that the response is of the right
/// kind, and a body that never ends, so that the connection is closed.
pub(super) fn substitute(head: &[u8]) -> Vec<u8> {
    let line = head.trim_ascii_start();
    let line = &line[..line.len().min(MAX_HEAD)];
    let mut words = line.split(|byte| byte.is_ascii_whitespace());
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or(b"/"));
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let path = &path[..path.len().min(MAX_KEPT_TARGET)];
    let rest = format!(" HTTP/1.1\r\nhost: -\r\ncontent-length: {UNTIL_CLOSE}\r\n\r\n");
    [method, b" ", path, rest.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of the first request when these bytes arrive in pieces of this size.
    fn end(bytes: &[u8], size: usize) -> Option<usize> {
        let (mut framing, mut taken) = (Framing::default(), 0);
        for come in (size..bytes.len() + size).step_by(size) {
            let come = &bytes[..come.min(bytes.len())];
            taken += framing.advance(&come[taken..]).unwrap();
            if framing.is_complete() {
                return Some(taken);
            }
        }
        None
    }

    const GET: &str = "GET /get?host=a&pool=b HTTP/1.1\r\nHost: x\r\n\r\n";

    #[test]
    fn a_request_ends_at_the_same_byte_however_it_arrives() {
        let chunked = "POST / HTTP/1.1\r\ntransfer-ENCODING: chunked\r\n\r\n";
        for request in [
            GET.to_owned(),
            "\r\n\nGET / HTTP/1.1\nHost: x\n\n".to_owned(),
            "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\ncontent-length:  11 \r\n\r\nhello\r\n\r\nab".to_owned(),
            format!("{chunked}5\r\n\r\n\r\na\r\n0\r\n\r\n"),
            format!("{chunked}A;note=\"5\"\r\n0123456789\r\n01 \r\nx\r\n0\r\n\r\n"),
            format!("{chunked}00\r\nTrailer: 1\r\n: x\r\n\r\n"),
        ] {
            let two = format!("{request}{GET}");
            for size in 1..=two.len() {
                assert_eq!(end(two.as_bytes(), size), Some(request.len()), "{request:?} in pieces of {size}");
                assert_eq!(end(&request.as_bytes()[..request.len() - 1], size), None, "{request:?}");
            }
        }
    }

    #[test]
    fn a_body_that_has_no_end_takes_all() {
        for length in ["18446744073709551615", "100"] {
            let request = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{GET}");
            assert_eq!(end(request.as_bytes(), 7), None);
        }
        let endless =
            format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n{GET}");
        assert_eq!(end(endless.as_bytes(), 7), None);
    }

    #[test]
    fn a_head_of_16_kib_is_read_and_one_more_byte_is_too_much() {
        let head = |length: usize| {
            let start = "GET / HTTP/1.1\r\nx: ";
            format!("{start}{}\r\n\r\n", "x".repeat(length - start.len() - 4))
        };
        let advance = |head: &str| Framing::default().advance(head.as_bytes());

        assert_eq!(advance(&head(MAX_HEAD)), Ok(MAX_HEAD));
        assert_eq!(advance(&head(MAX_HEAD + 1)), Err(HeadTooLarge));
        assert_eq!(advance(&head(MAX_HEAD + 1)[..MAX_HEAD]), Ok(0));
        assert_eq!(advance(&"\r\n".repeat(MAX_HEAD)), Err(HeadTooLarge));
    }

    #[test]
    fn a_head_of_96_headers_is_read_and_one_more_is_too_much() {
        let head = |headers: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(headers));

        assert_eq!(Framing::default().advance(head(96).as_bytes()), Ok(head(96).len()));
        let mut framing = Framing::default();
        for _ in 0..2 {
            assert_eq!(framing.advance(head(97).as_bytes()), Err(HeadTooLarge));
        }
    }

    #[test]
    fn a_head_that_is_too_large_keeps_its_method_and_path() {
        let kept = |head: String| String::from_utf8(substitute(head.as_bytes())).unwrap();
        let rest = " HTTP/1.1\r\nhost: -\r\ncontent-length: 1099511627776\r\n\r\n";

        assert_eq!(
            kept(format!("\r\nPOST /v1/pools?{} HTTP/1.1\r\n", "x".repeat(99))),
            format!("POST /v1/pools{rest}")
        );
        assert_eq!(kept(format!("GET /{}", "a".repeat(20_000))), format!("GET /{}{rest}", "a".repeat(511)));
        assert_eq!(kept("x".repeat(20_000)), format!("{} /{rest}", "x".repeat(MAX_HEAD)));
    }
}
