package remote

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"alexnet/internal/redact"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// s3 is a folder of a bucket.
type s3 struct {
	client         *minio.Core
	idle           *http.Transport
	bucket, prefix string // prefix is empty or ends in a slash
}

// openS3 opens s3://bucket/prefix. The server is given by AWS_ENDPOINT_URL_S3,
// AWS_ENDPOINT_URL, AWS_REGION and the parameters endpoint and region of the URL.
// Credentials come from AWS_ACCESS_KEY_ID and related variables, ~/.aws/credentials with
// AWS_PROFILE, or a container's or machine's role. Without any credentials the bucket has
// to be public.
func openS3(_ context.Context, u *url.URL) (store, error) {
	query := u.Query()
	endpoint := first(query.Get("endpoint"), os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"), "https://s3.amazonaws.com")
	server, err := url.Parse(endpoint)
	if err != nil || server.Host == "" {
		return nil, fmt.Errorf("S3 endpoint %q: want a URL such as https://s3.example.org", shown(endpoint))
	}
	creds := credentials.NewChainCredentials(s3Credentials())
	if found, err := creds.GetWithContext(nil); err != nil || found.SignerType.IsAnonymous() {
		creds = credentials.NewStatic("", "", "", credentials.SignatureAnonymous) // found once, not before every request
	}
	idle := transport()
	client, err := minio.NewCore(server.Host, &minio.Options{
		Creds:      creds,
		Secure:     server.Scheme == "https",
		Transport:  idle,
		Region:     first(query.Get("region"), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")),
		MaxRetries: 1, // transfer retries
	})
	if err != nil {
		return nil, fmt.Errorf("S3 endpoint %s: %s", shown(endpoint), redact.Text(err.Error()))
	}
	return &s3{client: client, idle: idle, bucket: u.Host, prefix: strings.TrimPrefix(u.Path, "/")}, nil
}

// shown is an endpoint without secrets, even a malformed one.
func shown(endpoint string) string {
	if strings.Contains(endpoint, "://") {
		return redact.URL(endpoint)
	}
	return strings.TrimPrefix(redact.URL("s3://"+endpoint), "s3://")
}

// s3Credentials lists the sources of credentials, in order.
func s3Credentials() []credentials.Provider {
	all := []credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}}
	if os.Getenv("AWS_EC2_METADATA_DISABLED") != "true" {
		// It answers at once if there is such a service.
		all = append(all, &credentials.IAM{Client: &http.Client{Timeout: time.Second}})
	}
	return all
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

func (s *s3) close() { s.idle.CloseIdleConnections() }

func (s *s3) location(name string) string { return "s3://" + s.bucket + "/" + s.prefix + name }

func (s *s3) get(ctx context.Context, name string, offset int64) (io.ReadCloser, int64, int64, error) {
	var o minio.GetObjectOptions
	if offset > 0 {
		if err := o.SetRange(offset, 0); err != nil {
			return nil, 0, 0, err
		}
	}
	body, info, header, err := s.client.GetObject(ctx, s.bucket, s.prefix+name, o)
	if err != nil {
		if e := minio.ToErrorResponse(err); e.StatusCode != 0 {
			return nil, 0, 0, &statusError{e.StatusCode, fmt.Sprintf("%s (%d %s)", e.Message, e.StatusCode, e.Code)}
		}
		return nil, 0, 0, withoutURL(err)
	}
	from, size := int64(0), info.Size
	if text := header.Get("Content-Range"); text != "" {
		if from, size, err = contentRange(text); err != nil {
			body.Close()
			return nil, 0, 0, err
		}
	}
	return body, from, size, nil
}
