// A stand-in for the parts of the Arduino core for ESP32 (2.0.5 to 3.x) that the README's sketch uses, so that the
// sketch can be compiled and run on this machine. Names, parameters and their types are those of the real core;
// what is behind them is our own, and small.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <unistd.h>

class String {
public:
  String(const char *text = "") : text(text == nullptr ? "" : text) {}
  const char *c_str() const { return text.c_str(); }
  unsigned int length() const { return static_cast<unsigned int>(text.length()); }

private:
  std::string text;
};

class HardwareSerial {
public:
  void begin(unsigned long) { started = true; }
  size_t println(const char *text) { return printf("%s\n", text); }
  // The real one has the attribute too: wrong arguments are a warning.
  size_t printf(const char *format, ...) __attribute__((format(printf, 2, 3))) {
    if (!started) return 0; // nothing is heard of a sketch that forgets begin()
    va_list arguments;
    va_start(arguments, format);
    const int length = vprintf(format, arguments);
    va_end(arguments);
    fflush(stdout);
    return length < 0 ? 0 : static_cast<size_t>(length);
  }

private:
  bool started = false;
};

extern HardwareSerial Serial;

/** Time passes ten times as fast here. */
inline void delay(uint32_t ms) { usleep(ms * 100); }

void setup();
void loop();
