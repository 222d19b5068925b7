package remote

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"alexnet/internal/redact"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// gsScope is the permission to read.
const gsScope = "https://www.googleapis.com/auth/devstorage.read_only"

// openGS reads a bucket through Cloud Storage's XML interface, which is plain HTTP:
// cloud.google.com/docs/storage/xml-api/get-object-download. Credentials are Google's
// application default ones; without any, the bucket has to be public.
// STORAGE_EMULATOR_HOST names another server. As with Google's own libraries, it gets
// credentials only if GOOGLE_APPLICATION_CREDENTIALS is set; the machine's metadata
// service is not asked then.
func openGS(ctx context.Context, u *url.URL) (store, error) {
	base := &url.URL{Scheme: "https", Host: "storage.googleapis.com"}
	idle := transport()
	client := &http.Client{Transport: idle}
	emulator, named := os.Getenv("STORAGE_EMULATOR_HOST"), os.Getenv("GOOGLE_APPLICATION_CREDENTIALS") != ""
	if emulator != "" {
		if !strings.Contains(emulator, "://") {
			emulator = "http://" + emulator
		}
		var err error
		if base, err = url.Parse(emulator); err != nil {
			return nil, fmt.Errorf("$STORAGE_EMULATOR_HOST, %s, is no address", redact.URL(emulator))
		}
	}
	if emulator == "" || named {
		credentials, err := google.FindDefaultCredentials(ctx, gsScope)
		switch {
		case err == nil:
			client.Transport = &oauth2.Transport{Base: idle, Source: credentials.TokenSource}
		case named:
			return nil, err
		}
	}
	shown := *u
	base.Path = "/" + u.Host + u.Path
	return &web{base: base, client: client, idle: idle, hide: redact.Secrets(base), shown: func(name string) string {
		return shown.Scheme + "://" + shown.Host + shown.Path + name
	}}, nil
}
