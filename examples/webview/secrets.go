package main

// What a user of the product would not want to find in a log. Each is planted in a
// place where such values really travel; the journal must hold none of them.
const (
	secretPassword = "correct-horse-7-battery"                                          // JSON body, key "password"
	secretToken    = "tok_9fK2mQ8vXw31LzRb"                                             // JSON body, key "accessToken"; query parameter
	secretSession  = "s3ss10n-c00k1e-Zq81LmPw"                                          // Cookie and Set-Cookie, under a name that says nothing
	secretBearer   = "b34r3r-Vt5Yx0Jc7Hn2"                                              // Authorization header
	secretAPIKey   = "ak-live-55Tr0ub4dor"                                              // X-Api-Key header, web → core
	secretCard     = "4539578763621486"                                                 // JSON body, in a free text
	secretRRN      = "900101-1234568"                                                   // 주민등록번호, in a free text
	secretSign     = "5d41402abc4b2a76b9719d911017c592e83aa8e9f1f0f4c5a7b0c2d3e4f5a6b7" // X-Amz-Signature of a presigned URL
	secretUserinfo = "dbpass-Kx81z"                                                     // password in a connection string, in an error text
	secretPhone    = "010-2345-6789"                                                    // form field "phone"
	secretEmail    = "seoyeon.kim@example.com"                                          // JSON body, in a free text
	secretOTP      = "481516-Zk7"                                                       // form field "otp"
)

// secrets lists them all by name, for the tests that look for them.
func secrets() map[string]string {
	return map[string]string{
		"password": secretPassword,
		"token":    secretToken,
		"session":  secretSession,
		"bearer":   secretBearer,
		"api key":  secretAPIKey,
		"card":     secretCard,
		"rrn":      secretRRN,
		"presign":  secretSign,
		"userinfo": secretUserinfo,
		"phone":    secretPhone,
		"email":    secretEmail,
		"otp":      secretOTP,
	}
}
