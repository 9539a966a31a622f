#include "app/limits_plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace bmsd::app {

namespace {

constexpr double kWidth = 1000, kLeft = 70, kRight = 170, kTop = 50, kPanel = 170, kGap = 34, kStrip = 22;
constexpr double kPlotWidth = kWidth - kLeft - kRight;

[[gnu::format(printf, 2, 3)]] void print(std::string& text, const char* format, ...) {
  std::array<char, 512> buffer{};
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
  va_end(arguments);
  text += buffer.data();
}

std::string escaped(const std::string& text) {
  std::string result;
  for (char c : text) {
    result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  }
  return result;
}

/// A round step (1, 2 or 5 times a power of ten) that divides `span` into about `count` parts.
double round_step(double span, int count) {
  const double raw = std::max(span, 1e-9) / count;
  const double magnitude = std::pow(10.0, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * magnitude) {
      return factor * magnitude;
    }
  }
  return 10.0 * magnitude;
}

/// A step in whole minutes, hours or days where the span is that long.
double time_step(double span) {
  for (double step :
       {1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 43200.0, 86400.0}) {
    if (span / step <= 12.0) {
      return step;
    }
  }
  return 86400.0 * std::ceil(span / 86400.0 / 12.0);
}

std::string time_label(double t, double step) {
  std::string text;
  if (step >= 86400.0) {
    print(text, "%.0f d", t / 86400.0);
  } else if (step >= 1800.0) {
    print(text, "%02.0f:%02.0f", std::floor(t / 3600.0), std::fmod(t / 60.0, 60.0));
  } else if (step >= 60.0) {
    print(text, "%.0f min", t / 60.0);
  } else {
    print(text, "%.0f s", t);
  }
  return text;
}

/// Names and colours that stay apart for the colour-blind (Okabe and Ito).
struct Curve {
  const char* name;
  const char* colour;
  bool stepped; ///< limits jump, measurements flow
  std::vector<std::optional<double>> values;
};

struct Panel {
  const char* unit;
  std::vector<Curve> curves;
};

struct Axis {
  double low, high, step;
};

Axis axis_for(const Panel& panel) {
  double low = INFINITY, high = -INFINITY;
  for (const auto& curve : panel.curves) {
    for (const auto& value : curve.values) {
      if (value) {
        low = std::min(low, *value);
        high = std::max(high, *value);
      }
    }
  }
  if (low > high) {
    low = 0.0;
    high = 1.0;
  }
  const double step = round_step(std::max(high - low, std::abs(high) * 1e-3), 5);
  return {std::floor(low / step) * step, std::max(std::ceil(high / step) * step, std::floor(low / step) * step + step),
          step};
}

class Canvas {
public:
  Canvas(const std::vector<double>& times)
      : times_(times), begin_(times.front()), span_(std::max(times.back() - begin_, 1.0)) {}

  void draw(const Panel& panel, double top, std::string& svg) const {
    const Axis axis = axis_for(panel);
    auto y_of = [&](double v) { return top + kPanel * (1.0 - (v - axis.low) / (axis.high - axis.low)); };
    print(svg, "<text class='unit' x='%.0f' y='%.0f'>%s</text>\n", kLeft - 60, top + kPanel / 2, panel.unit);
    const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(axis.step) - 1e-9)));
    for (double v = axis.low; v <= axis.high + axis.step / 2; v += axis.step) {
      print(svg, "<line class='grid' x1='%.0f' x2='%.0f' y1='%.1f' y2='%.1f'/>", kLeft, kLeft + kPlotWidth, y_of(v),
            y_of(v));
      print(svg, "<text class='tick' text-anchor='end' x='%.0f' y='%.1f'>%.*f</text>\n", kLeft - 6, y_of(v) + 4,
            decimals, v);
    }
    double legend = top + 12;
    for (const auto& curve : panel.curves) {
      path(curve, y_of, svg);
      print(svg, "<line x1='%.0f' x2='%.0f' y1='%.0f' y2='%.0f' stroke='%s' stroke-width='3'/>", kWidth - kRight + 14,
            kWidth - kRight + 38, legend - 4, legend - 4, curve.colour);
      print(svg, "<text class='tick' x='%.0f' y='%.0f'>%s</text>\n", kWidth - kRight + 44, legend, curve.name);
      legend += 18;
    }
  }

  void time_axis(double top, double bottom, std::string& svg) const {
    const double step = time_step(span_);
    for (double t = std::ceil(begin_ / step) * step; t <= begin_ + span_ + 1e-6; t += step) {
      print(svg, "<line class='grid' x1='%.1f' x2='%.1f' y1='%.0f' y2='%.0f'/>", x_of(t), x_of(t), top, bottom);
      print(svg, "<text class='tick' text-anchor='middle' x='%.1f' y='%.0f'>%s</text>\n", x_of(t), bottom + 16,
            time_label(t, step).c_str());
    }
  }

  double x_of(double t) const { return kLeft + kPlotWidth * (t - begin_) / span_; }

private:
  template <class YOf>
  void path(const Curve& curve, YOf y_of, std::string& svg) const {
    print(svg, "<path fill='none' stroke='%s' stroke-width='1.6' d='", curve.colour);
    bool drawing = false;
    double last_y = 0.0;
    for (std::size_t i = 0; i < times_.size(); ++i) {
      if (!curve.values[i]) {
        drawing = false;
        continue;
      }
      const double x = x_of(times_[i]);
      const double y = y_of(*curve.values[i]);
      if (drawing && curve.stepped && y != last_y) {
        print(svg, "L%.1f %.1f", x, last_y);
      }
      print(svg, "%c%.1f %.1f", drawing ? 'L' : 'M', x, y);
      drawing = true;
      last_y = y;
    }
    svg += "'/>\n";
  }

  const std::vector<double>& times_;
  double begin_, span_;
};

const char* mode_colour(const std::string& mode) {
  return mode == "Bulk" ? "#56b4e9" : mode == "Absorption" ? "#e69f00" : mode == "Float" ? "#009e73" : "#999999";
}

} // namespace

void Plot::add(double t, const Status& status) {
  Point point{t,
              status.voltage,
              status.cvl,
              status.current,
              status.ccl,
              status.dcl,
              status.soc,
              status.max_cell_voltage,
              status.min_cell_voltage,
              status.charge_mode.substr(0, status.charge_mode.find_first_of(" ,"))};
  if (point.dcl) {
    point.dcl = -*point.dcl;
  }
  points_.push_back(std::move(point));
}

std::string Plot::svg() const {
  std::string svg;
  const double height = kTop + 4 * (kPanel + kGap) + kStrip + 40;
  print(svg, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %.0f %.0f' font-family='sans-serif'>\n", kWidth,
        height);
  svg += "<style>.grid{stroke:#ddd;stroke-width:1}.tick{font-size:12px;fill:#333}.unit{font-size:14px;fill:#333}"
         ".title{font-size:18px}</style>\n<rect width='100%' height='100%' fill='white'/>\n";
  svg += "<text class='title' x='70' y='30'>" + escaped(title_) + "</text>\n";
  if (points_.empty()) {
    return svg + "</svg>\n";
  }
  auto column = [this](std::optional<double> Point::*member) {
    std::vector<std::optional<double>> values;
    for (const auto& point : points_) {
      values.push_back(point.*member);
    }
    return values;
  };
  std::vector<double> times;
  for (const auto& point : points_) {
    times.push_back(point.t);
  }
  const std::array<Panel, 4> panels = {{
      {"V", {{"voltage", "#0072b2", false, column(&Point::voltage)}, {"CVL", "#d55e00", true, column(&Point::cvl)}}},
      {"V/cell",
       {{"highest cell", "#cc79a7", false, column(&Point::highest_cell)},
        {"lowest cell", "#009e73", false, column(&Point::lowest_cell)}}},
      {"A",
       {{"current", "#0072b2", false, column(&Point::current)},
        {"CCL", "#d55e00", true, column(&Point::ccl)},
        {"-DCL", "#e69f00", true, column(&Point::dcl)}}},
      {"%", {{"SoC", "#0072b2", false, column(&Point::soc)}}},
  }};
  const Canvas canvas(times);
  const double bottom = kTop + 4 * (kPanel + kGap) + kStrip;
  canvas.time_axis(kTop, bottom, svg);
  double top = kTop;
  for (const auto& panel : panels) {
    canvas.draw(panel, top, svg);
    top += kPanel + kGap;
  }
  for (std::size_t i = 0; i < points_.size();) {
    std::size_t end = i;
    while (end < points_.size() && points_[end].mode == points_[i].mode) {
      ++end;
    }
    const double from = canvas.x_of(points_[i].t);
    const double to = canvas.x_of(points_[std::min(end, points_.size() - 1)].t);
    print(svg, "<rect x='%.1f' y='%.0f' width='%.1f' height='%.0f' fill='%s'/>", from, top, to - from, kStrip,
          mode_colour(points_[i].mode));
    if (to - from > 60) {
      print(svg, "<text class='tick' text-anchor='middle' x='%.1f' y='%.0f'>%s</text>\n", (from + to) / 2, top + 15,
            escaped(points_[i].mode).c_str());
    }
    i = end;
  }
  return svg + "</svg>\n";
}

} // namespace bmsd::app
