// Package dashboard shows a training run in a browser while it trains: one embedded
// page that receives server-sent events.
package dashboard
