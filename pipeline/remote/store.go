package remote

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"

	"alexnet/internal/redact"
)

// store reads the objects of one remote folder.
type store interface {
	// get opens an object from a byte on. Servers may begin earlier: from is the real
	// beginning. size is that of the whole object, −1 if the server doesn't say. The body
	// ends with an error when ctx does.
	get(ctx context.Context, name string, offset int64) (body io.ReadCloser, from, size int64, err error)
	// close ends idle connections.
	close()
	// location is an object's address for people, without secrets.
	location(name string) string
}

// stores maps URL schemes to the functions that open them.
var stores = map[string]func(ctx context.Context, u *url.URL) (store, error){
	"s3":    openS3,
	"gs":    openGS,
	"https": openWeb,
	"http":  openWeb,
}

// IsURL reports whether place is a URL, and not a path.
func IsURL(place string) bool {
	scheme, _, ok := strings.Cut(place, "://")
	return ok && stores[strings.ToLower(scheme)] != nil
}

// openStore opens the folder at a URL.
func openStore(ctx context.Context, place string) (store, error) {
	u, err := url.Parse(place)
	if err != nil {
		// The parser's error quotes the part that it can't parse, which may be a secret.
		return nil, fmt.Errorf("%s is no URL: the port is a number, and in a password or a parameter, characters other than letters and digits are written as %%XX", redact.URL(place))
	}
	open := stores[u.Scheme]
	if open == nil {
		return nil, fmt.Errorf("%s: don't know %q; remote shards are at s3://, gs://, https:// or http://", redact.URL(place), u.Scheme)
	}
	if u.Host == "" {
		return nil, fmt.Errorf("%s: no host or bucket; it has the form %s://HOST/FOLDER", redact.URL(place), u.Scheme)
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	return open(ctx, u)
}
