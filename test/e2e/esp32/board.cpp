// The board that the README's sketch runs on here: an AI Thinker ESP32-CAM whose camera sees the JPEG files that are
// given as arguments, one after the other. It runs the sketch until the camera has seen them all.
#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <vector>

#include "Arduino.h"
#include "HTTPClient.h"
#include "WiFi.h"
#include "esp_camera.h"

HardwareSerial Serial;
WiFiClass WiFi;

// The camera

static std::vector<std::vector<uint8_t>> pictures;
static size_t seen = 0;
static size_t buffers = 0, buffersFree = 0;

/** Fails the first time, and wherever the real camera of this board would fail or send something else than JPEG. */
esp_err_t esp_camera_init(const camera_config_t *config) {
  static bool tried = false;
  if (!tried) {
    tried = true;
    return ESP_ERR_CAMERA_NOT_DETECTED;
  }
  const camera_config_t &c = *config;
  const bool wired = c.pin_pwdn == 32 && c.pin_reset == -1 && c.pin_xclk == 0 && c.pin_sccb_sda == 26 && c.pin_sccb_scl == 27 &&
    c.pin_d7 == 35 && c.pin_d6 == 34 && c.pin_d5 == 39 && c.pin_d4 == 36 && c.pin_d3 == 21 && c.pin_d2 == 19 && c.pin_d1 == 18 && c.pin_d0 == 5 &&
    c.pin_vsync == 25 && c.pin_href == 23 && c.pin_pclk == 22 && c.xclk_freq_hz == 20000000;
  const bool sane = c.pixel_format == PIXFORMAT_JPEG && c.fb_location == CAMERA_FB_IN_PSRAM && c.grab_mode == CAMERA_GRAB_LATEST &&
    c.jpeg_quality >= 0 && c.jpeg_quality <= 63 && c.fb_count >= 2 && c.sccb_i2c_port == 0;
  if (!wired || !sane) return ESP_ERR_CAMERA_NOT_DETECTED;
  buffers = buffersFree = c.fb_count;
  return ESP_OK;
}

/** Gives no picture the first time, as real cameras do at times, and none while all buffers are out. */
camera_fb_t *esp_camera_fb_get(void) {
  static bool tried = false;
  if (!tried || buffersFree == 0) {
    tried = true;
    return nullptr;
  }
  buffersFree--;
  std::vector<uint8_t> &picture = pictures.at(seen++);
  return new camera_fb_t{picture.data(), picture.size(), 800, 600, PIXFORMAT_JPEG, {0, 0}};
}

void esp_camera_fb_return(camera_fb_t *fb) {
  buffersFree++;
  delete fb;
}

// The HTTP client

HTTPClient::~HTTPClient() { close(); }

bool HTTPClient::begin(String url) {
  const std::string text = url.c_str();
  const std::string scheme = "http://";
  if (text.compare(0, scheme.length(), scheme) != 0) return false;
  const size_t slash = text.find('/', scheme.length());
  const std::string authority = text.substr(scheme.length(), slash - scheme.length());
  const size_t colon = authority.find(':');
  const int number = colon == std::string::npos ? 80 : std::stoi(authority.substr(colon + 1));
  return begin(authority.substr(0, colon).c_str(), static_cast<uint16_t>(number), slash == std::string::npos ? "/" : text.substr(slash).c_str());
}

bool HTTPClient::begin(String newHost, uint16_t newPort, String newUri) {
  host = newHost.c_str();
  port = newPort;
  uri = newUri.c_str();
  headers.clear();
  size = -1;
  return true;
}

void HTTPClient::end(void) {
  discardArrived();
  if (!reuse || !canReuse) close();
  headers.clear();
  size = -1;
}

bool HTTPClient::connected(void) {
  if (fd == -1) return false;
  char byte;
  const ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

void HTTPClient::setReuse(bool newReuse) { reuse = newReuse; }
void HTTPClient::setTimeout(uint16_t timeout) { timeoutMs = timeout; }

void HTTPClient::addHeader(const String &name, const String &value, bool, bool) {
  headers += std::string(name.c_str()) + ": " + value.c_str() + "\r\n";
}

int HTTPClient::POST(String payload) {
  std::string text = payload.c_str();
  return POST(reinterpret_cast<uint8_t *>(&text[0]), text.length());
}

int HTTPClient::POST(uint8_t *payload, size_t payloadSize) {
  if (!connect()) return fail(HTTPC_ERROR_CONNECTION_REFUSED);
  const std::string head = "POST " + uri + " HTTP/1.1\r\nHost: " + host + ":" + std::to_string(port) +
    "\r\nUser-Agent: ESP32HTTPClient\r\nConnection: " + (reuse ? "keep-alive" : "close") + "\r\n" + headers +
    "Content-Length: " + std::to_string(payloadSize) + "\r\n\r\n";
  if (!sendAll(head.data(), head.length())) return fail(HTTPC_ERROR_SEND_HEADER_FAILED);
  if (!sendAll(reinterpret_cast<const char *>(payload), payloadSize)) return fail(HTTPC_ERROR_SEND_PAYLOAD_FAILED);
  return fail(readHead());
}

String HTTPClient::errorToString(int error) {
  return error == HTTPC_ERROR_CONNECTION_REFUSED ? "connection refused" : "connection failed";
}

String HTTPClient::getString(void) {
  if (!connected()) return "";
  std::string body;
  char byte;
  while ((size == -1 || body.length() < static_cast<size_t>(size)) && readByte(byte)) body += byte;
  return body.c_str();
}

bool HTTPClient::connect() {
  if (connected()) {
    discardArrived();
    return true;
  }
  close();
  if (!WiFi.isConnected()) return false;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return false;
  fd = socket(AF_INET, SOCK_STREAM, 0);
  return ::connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
}

bool HTTPClient::sendAll(const char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    length -= static_cast<size_t>(sent);
  }
  return true;
}

/** Reads status line and headers; the body stays where it is. */
int HTTPClient::readHead() {
  int status = 0;
  canReuse = reuse;
  size = -1;
  for (std::string line;;) {
    char byte;
    pollfd waiting = {fd, POLLIN, 0};
    if (poll(&waiting, 1, timeoutMs) == 0) return HTTPC_ERROR_READ_TIMEOUT;
    if (!readByte(byte)) return HTTPC_ERROR_CONNECTION_LOST;
    if (byte == '\r') continue;
    if (byte != '\n') {
      line += byte;
      continue;
    }
    if (line.empty()) return status == 0 ? HTTPC_ERROR_NO_HTTP_SERVER : status;
    if (status == 0) status = atoi(line.substr(line.find(' ') + 1).c_str());
    if (strncasecmp(line.c_str(), "content-length:", 15) == 0) size = atoi(line.c_str() + 15);
    if (strcasecmp(line.c_str(), "connection: close") == 0) canReuse = false;
    line.clear();
  }
}

bool HTTPClient::readByte(char &byte) { return recv(fd, &byte, 1, 0) == 1; }

void HTTPClient::discardArrived() {
  char bytes[1024];
  while (fd != -1 && recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) continue;
}

/** A connection on which something went wrong is not used again. */
int HTTPClient::fail(int code) {
  if (code < 0) close();
  return code;
}

void HTTPClient::close() {
  if (fd != -1) ::close(fd);
  fd = -1;
}

int main(int count, char **arguments) {
  for (int i = 1; i < count; i++) {
    std::ifstream file(arguments[i], std::ios::binary);
    pictures.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  setup();
  while (seen < pictures.size()) loop();
  return buffersFree == buffers ? 0 : 1; // 1: the sketch has kept a frame
}
