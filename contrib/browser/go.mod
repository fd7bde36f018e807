module github.com/seed1a8f7c28/session/contrib/browser

go 1.26.0

replace github.com/seed1a8f7c28/session => ../..

require (
	github.com/chromedp/cdproto v0.160.1
	github.com/chromedp/chromedp v0.23.1
	github.com/seed1a8f7c28/session v0.0.0
)

require github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
