// Package txtrail follows one transaction ID through every service of a web
// product.
//
// [Open] is the front door. Five lines put a service on the trail:
//
//	trail, err := txtrail.Open(txtrail.Config{Service: "web"})
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux.Handle("GET /items/{id}", items(trail.Client())) // calls made with it carry the txid
//	err = http.ListenAndServe(":8080", trail.Handler(mux))
//	log.Fatal(errors.Join(err, trail.Close(context.Background())))
//
// Every request is then recorded with its sanitized headers and bodies, and every
// call made with the client beside it, in a journal on the local disk. The command
// reads it:
//
//	txtrail show TXID
//
// The pieces stand in packages of their own, for those who want to put them
// together in another way: txid, entry, sanitize, sink, middleware, outbound.
package txtrail
