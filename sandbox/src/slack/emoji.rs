//! The emoji that can be reacted with: Slack's short names for the common ones.
//!
//! A workspace without custom emoji knows some 1,800 names; what is not in this list is
//! refused with `invalid_name`, which is stricter than Slack.

const NAMES: &str = "+1 -1 100 1234 8ball alarm_clock ambulance anchor angry arrow_down arrow_forward arrow_left \
arrow_right arrow_up arrows_counterclockwise arrows_clockwise astonished back bangbang bar_chart battery bee beer beers \
bell bell_off bike black_circle black_square_button blue_heart blush bomb book bookmark bookmark_tabs boom bow \
brain bug building_construction bulb bullettrain_side bust_in_silhouette busts_in_silhouette cake calendar call_me_hand \
camera card_file_box card_index chart chart_with_downwards_trend chart_with_upwards_trend checkered_flag clap clipboard \
clock1 clock10 clock11 clock12 clock2 clock3 clock4 clock5 clock6 clock7 clock8 clock9 closed_lock_with_key cloud \
coffee cold_sweat computer confetti_ball confused construction construction_worker cop credit_card crossed_fingers \
crossed_swords cry crystal_ball cyclone dart dash date desktop_computer dizzy dizzy_face dog dove_of_peace \
droplet ear eight email envelope envelope_with_arrow exclamation exploding_head eye eyes face_palm \
face_with_monocle facepunch fast_forward fearful file_cabinet file_folder fire fire_engine fire_extinguisher \
fireworks first_place_medal fist five flag-at floppy_disk flushed four frowning gear ghost gift globe_with_meridians \
green_apple green_book green_heart grey_exclamation grey_question grin grinning guardsman hammer hammer_and_pick \
hammer_and_wrench hand handshake hash hatched_chick heart heart_eyes heavy_check_mark heavy_exclamation_mark \
heavy_minus_sign heavy_multiplication_x heavy_plus_sign helmet_with_white_cross hourglass hourglass_flowing_sand \
house inbox_tray information_source interrobang innocent joy key keycap_star label ladybug large_blue_circle large_blue_diamond large_blue_square \
large_brown_circle large_green_circle large_green_square large_orange_circle large_orange_diamond large_orange_square large_purple_circle \
large_purple_square large_red_square large_yellow_circle large_yellow_square left_speech_bubble lightning link lock \
lock_with_ink_pen loud_sound loudspeaker mag mag_right mailbox mantelpiece_clock mega memo microscope mute \
muscle mushroom name_badge negative_squared_cross_mark neutral_face new nine no_bell no_entry no_entry_sign \
no_mouth nut_and_bolt octagonal_sign ok ok_hand one open_file_folder open_hands outbox_tray package page_facing_up \
pager paperclip partly_sunny pencil pencil2 pensive person_doing_cartwheel phone pick pill point_down \
point_left point_right point_up police_car postal_horn pray printer purple_heart pushpin question rabbit \
radio_button rage railway_car rain_cloud raised_hand raised_hands receipt recycle red_circle repeat \
rescue_worker_helmet rewind robot_face rocket rolling_on_the_floor_laughing rotating_light round_pushpin runner \
satellite satellite_antenna scales scream scroll second_place_medal see_no_evil seven shield ship shrug \
six skull skull_and_crossbones sleeping slightly_frowning_face slightly_smiling_face small_blue_diamond \
small_orange_diamond small_red_triangle small_red_triangle_down smile smiley smirk snail snowflake sob sos sparkles \
speaker speech_balloon spiral_calendar_pad spiral_note_pad stop_button stop_sign stopwatch sun_with_face sunglasses \
sunny sweat sweat_smile tada telephone telephone_receiver test_tube thinking_face third_place_medal thought_balloon three \
thumbsdown thumbsup timer_clock toolbox tools traffic_light triangular_flag_on_post trophy truck turtle two umbrella \
unlock up upside_down_face v vertical_traffic_light vibration_mode video_camera vs warning wastebasket watch wave \
waving_black_flag waving_white_flag wheelchair white_check_mark white_circle white_flag white_large_square wind_blowing_face \
wink worried wrench writing_hand x yellow_heart yum zap zero zipper_mouth_face zzz";

/// Whether a reaction of this name exists, with or without a skin tone.
pub(super) fn is_known(name: &str) -> bool {
    let (name, tone) = name.split_once("::").unwrap_or((name, "skin-tone-2"));
    let toned = tone.strip_prefix("skin-tone-").is_some_and(|tone| matches!(tone, "2" | "3" | "4" | "5" | "6"));
    toned && NAMES.split_whitespace().any(|known| known == name)
}
