package serve

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"alexnet/internal/file"
	"alexnet/internal/loopback"
)

// Guard decides which requests are allowed.
type Guard struct {
	// Local allows only requests that name this machine's loopback as their host.
	// This stops pages of other sites that point a name of theirs at this machine;
	// they do not know the token, if there is one.
	Local bool
	// Token is required in requests, as "Authorization: Bearer TOKEN"; nil requires
	// none.
	Token []byte
	// Cross refuses requests that browsers make for pages of other sites.
	Cross *http.CrossOriginProtection
}

// refuse returns why a request is refused; nil if it is allowed.
func (g *Guard) refuse(r *http.Request) *refusal {
	if g.Local && g.Token == nil && !loopback.Host(r.Host) {
		return refuse(http.StatusForbidden, "this server is for this machine only: ask it as localhost or 127.0.0.1")
	}
	if g.Cross != nil && g.Cross.Check(r) != nil {
		return refuse(http.StatusForbidden, "pages of other sites may not ask this server")
	}
	if g.Token == nil {
		return nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	// Hashes have one length, so that the comparison takes one time.
	given, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256(g.Token)
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 || !strings.EqualFold(scheme, "Bearer") {
		return refuse(http.StatusUnauthorized, "this server requires a token: send it as Authorization: Bearer TOKEN")
	}
	return nil
}

// Lengths of tokens in bytes.
const shortestToken, longestToken = 16, 4096

// ReadToken reads a token from a file: its text without white space around it.
func ReadToken(path string) ([]byte, error) {
	text, err := file.ReadAll(path, longestToken)
	if err != nil {
		return nil, err
	}
	token := bytes.TrimSpace(text)
	switch {
	case len(token) < shortestToken:
		return nil, fmt.Errorf("%q holds a token of %d characters: want at least %d, such as those of openssl rand -hex 16", path, len(token), shortestToken)
	case bytes.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }):
		return nil, errors.New("the token has characters that a header can't carry: choose letters and digits, such as those of openssl rand -hex 16")
	}
	return token, nil
}
