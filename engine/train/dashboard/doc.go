// Package dashboard shows a training run live in a browser: one embedded page
// that listens to server-sent events.
package dashboard
