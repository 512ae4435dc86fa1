// A stand-in for WiFi.h of the Arduino core for ESP32. See Arduino.h.
#pragma once

#include "Arduino.h"

typedef enum { WL_IDLE_STATUS = 0, WL_CONNECTED = 3, WL_DISCONNECTED = 6 } wl_status_t;

/** A network that one is connected to the third time one asks. Without it HTTPClient reaches nothing. */
class WiFiClass {
public:
  wl_status_t begin(const char *ssid, const char *passphrase = NULL, int32_t channel = 0, const uint8_t *bssid = NULL, bool connect = true) {
    (void)channel;
    (void)bssid;
    asked = connect && ssid != NULL && passphrase != NULL ? 0 : -1;
    return WL_DISCONNECTED;
  }
  wl_status_t status() {
    if (asked < 0) return WL_IDLE_STATUS;
    if (asked < 2) asked++;
    else connected = true;
    return connected ? WL_CONNECTED : WL_DISCONNECTED;
  }
  bool isConnected() { return connected; }

private:
  int asked = -1;
  bool connected = false;
};

extern WiFiClass WiFi;
