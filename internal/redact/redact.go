// Package redact removes possible secrets from addresses, so that they can be
// printed, kept and compared. It works on the text and parses nothing: a malformed
// address has secrets too.
package redact

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// mask replaces a secret.
const mask = "xxxxx"

// known lists the parameters whose values are not secret.
var known = []string{"endpoint", "region"}

// URL returns an address without a password, a user that is a token, a fragment, and
// the values of all parameters but endpoint and region. Parameters are sorted. A text
// without "://" is not an address and stays unchanged.
func URL(place string) string {
	scheme, rest, ok := strings.Cut(place, "://")
	if !ok {
		return place
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 && strings.Contains(rest[:end], ":") {
		// In "me:pa/ss@host" the password has a slash, and a parser would read "pa" as a port.
		host := rest[:end]
		if _, behind, ok := strings.Cut(host, "]"); ok && host[0] == '[' {
			host = behind // of an IPv6 address
		}
		_, port, _ := strings.Cut(host, ":")
		if last := strings.LastIndexByte(rest, '@'); strings.Trim(port, "0123456789") != "" || last < strings.IndexAny(rest+"?", "?#") {
			at = last
		}
	}
	user := ""
	if at >= 0 {
		name, _, password := strings.Cut(rest[:at], ":")
		if user = mask + "@"; password {
			user = name + ":" + mask + "@"
		}
		rest = rest[at+1:]
	}
	rest, _, _ = strings.Cut(rest, "#")
	path, query, ok := strings.Cut(rest, "?")
	if !ok {
		return scheme + "://" + user + path
	}
	return scheme + "://" + user + path + "?" + parameters(query)
}

func parameters(query string) string {
	pairs := strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' })
	for i, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(value)
		switch {
		case !slices.Contains(known, key):
			pairs[i] = key + "=" + mask
		case err != nil, strings.Contains(plain, "@") && !strings.Contains(plain, "://"):
			pairs[i] = key + "=" + mask
		case URL(plain) != plain:
			pairs[i] = key + "=" + url.QueryEscape(URL(plain))
		}
		if !strings.Contains(pair, "=") {
			pairs[i] = mask
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// Secrets returns a replacer that removes the secrets of an address, plain and as
// they are written in it, from other programs' messages, which may repeat them.
func Secrets(u *url.URL) *strings.Replacer {
	var pairs []string
	hide := func(secret string) {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			if len(form) > 2 { // replacing one or two characters hides nothing
				pairs = append(pairs, form, mask)
			}
		}
	}
	if password, ok := u.User.Password(); ok {
		hide(password)
	} else if u.User != nil {
		hide(u.User.Username())
	}
	for key, values := range u.Query() {
		for _, value := range values {
			if !slices.Contains(known, key) {
				hide(value)
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// address finds addresses in a text. A password may hold characters that end an
// address elsewhere.
var address = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#\n"]*@)?[^\s"'<>` + "`" + `]*`)

// parameter finds a parameter of an address whose path is cut by a space.
var parameter = regexp.MustCompile(`([?&;])([^\s?&;=#"'<>` + "`" + `]+)=([^\s&;"'<>` + "`" + `]+)`)

// Text returns a text with each address in it replaced by its URL. Behind an address,
// the values of all parameters up to the end of the line are removed.
func Text(s string) string {
	if !strings.Contains(s, "://") {
		return s
	}
	s = address.ReplaceAllStringFunc(s, func(found string) string {
		bare := strings.TrimRight(found, ":;,.)]")
		return URL(bare) + found[len(bare):]
	})
	lines := strings.SplitAfter(s, "\n")
	for i, line := range lines {
		if at := strings.Index(line, "://"); at >= 0 {
			lines[i] = line[:at] + parameter.ReplaceAllStringFunc(line[at:], func(found string) string {
				parts := parameter.FindStringSubmatch(found)
				if slices.Contains(known, parts[2]) || strings.HasPrefix(parts[3], mask) {
					return found
				}
				bare := strings.TrimRight(parts[3], ":,.)]")
				return parts[1] + parts[2] + "=" + mask + parts[3][len(bare):]
			})
		}
	}
	return strings.Join(lines, "")
}
