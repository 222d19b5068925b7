package redact

import (
	"net/url"
	"testing"
)

func TestURL(t *testing.T) {
	for place, want := range map[string]string{
		"https://host/a":                                   "https://host/a",
		"https://user:secret@host/a":                       "https://user:xxxxx@host/a",
		"https://secret@host/a":                            "https://xxxxx@host/a",
		"https://host/a?sig=secret":                        "https://host/a?sig=xxxxx",
		"https://host/a?sig=%zzsecret":                     "https://host/a?sig=xxxxx",
		"https://host/a?secret":                            "https://host/a?xxxxx",
		"https://host/a?b=secret;c=secret":                 "https://host/a?b=xxxxx&c=xxxxx",
		"https://host/a#secret":                            "https://host/a",
		"s3://bucket/a?region=eu&endpoint=e":               "s3://bucket/a?endpoint=e&region=eu",
		"s3://b/a?endpoint=https%3A%2F%2Fme%3Asecret%40h":  "s3://b/a?endpoint=https%3A%2F%2Fme%3Axxxxx%40h",
		"s3://b/a?endpoint=https://me:secret@h&region=%zz": "s3://b/a?endpoint=https%3A%2F%2Fme%3Axxxxx%40h&region=xxxxx",
		"s3://b/a?endpoint=me:secret@h":                    "s3://b/a?endpoint=xxxxx",
		"https://host:bad/a?sig=secret":                    "https://host:bad/a?sig=xxxxx",
		"https://me:secr%et@host/a":                        "https://me:xxxxx@host/a",
		"https://me:sec/ret@host/a":                        "https://me:xxxxx@host/a",
		"https://me:12/secret@host/a":                      "https://me:xxxxx@host/a",
		"https://me:sec?ret@host/a":                        "https://me:xxxxx@host/a",
		"https://me:sec#ret@host/a":                        "https://me:xxxxx@host/a",
		"https://me:sec@ret@host/a":                        "https://me:xxxxx@host/a",
		"https://me:sec ret@host/a":                        "https://me:xxxxx@host/a",
		"HTTPS://me:secret@host":                           "HTTPS://me:xxxxx@host",
		"htps://me:secret@host":                            "htps://me:xxxxx@host",
		"https://host:80/a@b":                              "https://host:xxxxx@b", // rather too much
		"https://host/a@b":                                 "https://host/a@b",
		"https://[::1]:80/a?x@secret":                      "https://[::1]:80/a?xxxxx",
		"https://me:secret@[::1]:80/a":                     "https://me:xxxxx@[::1]:80/a",
		"/data/a?b@c":                                      "/data/a?b@c",
		"":                                                 "",
	} {
		got := URL(place)
		if got != want {
			t.Errorf("URL(%q) = %q, want %q", place, got, want)
		}
		if URL(got) != got {
			t.Errorf("%q is %q the second time", got, URL(got))
		}
	}
}

func TestSecrets(t *testing.T) {
	u, err := url.Parse("https://me:a%2Fb%20c@h/x?sig=d%2Be&region=eu&t=1")
	if err != nil {
		t.Fatal(err)
	}
	const said = "me a/b c, a%2Fb%20c, a%2Fb+c; d+e, d%2Be; eu 1"
	if got, want := Secrets(u).Replace(said), "me xxxxx, xxxxx, xxxxx; xxxxx, xxxxx; eu 1"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"no address: a@b?c":                              "no address: a@b?c",
		"serving at http://h/x.":                         "serving at http://h/x.",
		`Get "https://me:secret@host/a?sig=secret": EOF`: `Get "https://me:xxxxx@host/a?sig=xxxxx": EOF`,
		"open https://me:sec ret@h/a: no such file":      "open https://me:xxxxx@h/a: no such file",
		"a https://h/?t=secret, b (http://secret@h), c":  "a https://h/?t=xxxxx, b (http://xxxxx@h), c",
		"https://h/my photo.jpg?sig=secret: open https://h/my photo.jpg?sig=secret&b=secret: no": "https://h/my photo.jpg?sig=xxxxx: open https://h/my photo.jpg?sig=xxxxx&b=xxxxx: no",
		"https://me:secret@h:bad port/x?sig=secret&region=eu: no":                                "https://me:xxxxx@h:bad port/x?sig=xxxxx&region=eu: no",
		"what?a=b\nhttps://h/a b":                                           "what?a=b\nhttps://h/a b",
		"invalid proxy address \"http://me:secret@p:80\": parse":            "invalid proxy address \"http://me:xxxxx@p:80\": parse",
		"stat s3://b/a?endpoint=https://me:secret@h: no such\nfile ftp://x": "stat s3://b/a?endpoint=https%3A%2F%2Fme%3Axxxxx%40h: no such\nfile ftp://x",
	} {
		if got := Text(text); got != want {
			t.Errorf("Text(%q)\n   = %q\nwant %q", text, got, want)
		}
	}
}
