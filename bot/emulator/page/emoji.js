// A useful set of shortcodes; an unknown one stays as it was typed, as in Slack.

const NAMES = `
+1 👍 thumbsup 👍 -1 👎 thumbsdown 👎 wave 👋 clap 👏 pray 🙏 raised_hands 🙌 ok_hand 👌 muscle 💪 eyes 👀 point_right 👉
point_up ☝️ writing_hand ✍️ smile 😄 slightly_smiling_face 🙂 grin 😁 joy 😂 thinking_face 🤔 sweat_smile 😅 sob 😭 scream 😱
heart ❤️ tada 🎉 fire 🔥 boom 💥 sparkles ✨ star ⭐ 100 💯 rocket 🚀 zap ⚡ bulb 💡 bell 🔔 no_bell 🔕 mega 📣 loudspeaker 📢
rotating_light 🚨 warning ⚠️ no_entry ⛔ no_entry_sign 🚫 octagonal_sign 🛑 x ❌ heavy_multiplication_x ✖️
white_check_mark ✅ heavy_check_mark ✔️ ballot_box_with_check ☑️ question ❓ grey_question ❔ exclamation ❗ information_source ℹ️
red_circle 🔴 large_orange_circle 🟠 orange_circle 🟠 large_yellow_circle 🟡 yellow_circle 🟡 large_green_circle 🟢
green_circle 🟢 large_blue_circle 🔵 blue_circle 🔵 large_purple_circle 🟣 white_circle ⚪ black_circle ⚫
large_red_square 🟥 large_orange_square 🟧 large_yellow_square 🟨 large_green_square 🟩 large_blue_square 🟦
white_large_square ⬜ black_large_square ⬛ small_blue_diamond 🔹 small_orange_diamond 🔸
stopwatch ⏱️ timer_clock ⏲️ hourglass ⌛ hourglass_flowing_sand ⏳ alarm_clock ⏰ clock1 🕐 clock3 🕒 calendar 📅 date 📅
pushpin 📌 round_pushpin 📍 bookmark 🔖 link 🔗 paperclip 📎 memo 📝 pencil ✏️ pencil2 ✏️ clipboard 📋 page_facing_up 📄
file_folder 📁 package 📦 inbox_tray 📥 outbox_tray 📤 books 📚 scroll 📜 mag 🔍 mag_right 🔎 microscope 🔬 telescope 🔭
wrench 🔧 hammer 🔨 hammer_and_wrench 🛠️ gear ⚙️ nut_and_bolt 🔩 lock 🔒 unlock 🔓 key 🔑 shield 🛡️ bug 🐛 ant 🐜
computer 💻 desktop_computer 🖥️ satellite 🛰️ electric_plug 🔌 battery 🔋 floppy_disk 💾 cd 💿 phone ☎️ telephone_receiver 📞 pager 📟
robot_face 🤖 ghost 👻 skull 💀 fire_engine 🚒 ambulance 🚑 police_car 🚓 construction 🚧 firefighter 🧑‍🚒 fire_extinguisher 🧯
chart_with_upwards_trend 📈 chart_with_downwards_trend 📉 bar_chart 📊 thermometer 🌡️ droplet 💧 ocean 🌊 snowflake ❄️ sunny ☀️
arrow_right ➡️ arrow_left ⬅️ arrow_up ⬆️ arrow_down ⬇️ rewind ⏪ fast_forward ⏩ arrows_counterclockwise 🔄 repeat 🔁
leftwards_arrow_with_hook ↩️ back 🔙 soon 🔜 new 🆕 sos 🆘 checkered_flag 🏁 triangular_flag_on_post 🚩 dart 🎯 trophy 🏆
busts_in_silhouette 👥 bust_in_silhouette 👤 speech_balloon 💬 thought_balloon 💭 left_speech_bubble 🗨️ zzz 💤 coffee ☕ hourglass_done ⌛
one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣ black_square_for_stop ⏹️ arrow_forward ▶️ double_vertical_bar ⏸️ heavy_plus_sign ➕ heavy_minus_sign ➖
`.trim().split(/\s+/);

export const EMOJI = new Map();
for (let at = 0; at < NAMES.length; at += 2) EMOJI.set(NAMES[at], NAMES[at + 1]);

export const COMMON = ["eyes", "white_check_mark", "+1", "pushpin", "stopwatch", "rotating_light", "tada", "x"];

export function emoji(name) {
  return EMOJI.get(name.split("::")[0]) ?? `:${name}:`;
}
