package historytest

import "net/http"

func (q *request) serveSealed(w http.ResponseWriter, r *http.Request) {}
