// A stand-in for HTTPClient.h of the Arduino core for ESP32, which speaks HTTP/1.1 over a real socket. See Arduino.h.
// It keeps the habits of the real one that a sketch can trip over: POST leaves the response's body on the connection,
// end() throws away only what has arrived by then, begin() forgets all headers, and a kept connection may be dead.
#pragma once

#include "Arduino.h"

#define HTTPC_ERROR_CONNECTION_REFUSED (-1)
#define HTTPC_ERROR_SEND_HEADER_FAILED (-2)
#define HTTPC_ERROR_SEND_PAYLOAD_FAILED (-3)
#define HTTPC_ERROR_NOT_CONNECTED (-4)
#define HTTPC_ERROR_CONNECTION_LOST (-5)
#define HTTPC_ERROR_NO_HTTP_SERVER (-7)
#define HTTPC_ERROR_READ_TIMEOUT (-11)

class HTTPClient {
public:
  ~HTTPClient();

  bool begin(String url);
  bool begin(String host, uint16_t port, String uri = "/");
  void end(void);
  bool connected(void);

  void setReuse(bool reuse);
  void setTimeout(uint16_t timeout); // in milliseconds, 65535 at most
  void addHeader(const String &name, const String &value, bool first = false, bool replace = true);

  // Both send the request and wait for the response's head: the status, or one of the errors above.
  int POST(uint8_t *payload, size_t size);
  int POST(String payload);
  String getString(void); // the response's body; "" where there is none
  static String errorToString(int error);

private:
  bool connect();
  bool sendAll(const char *bytes, size_t size);
  int readHead();
  bool readByte(char &byte);
  void discardArrived();
  int fail(int error);
  void close();

  std::string host, uri, headers;
  uint16_t port = 80;
  uint16_t timeoutMs = 5000;
  bool reuse = true, canReuse = false;
  int size = -1; // of the response's body; -1 where the server does not tell
  int fd = -1;
};
